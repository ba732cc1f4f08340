package io.ladon.engine.kernel.x86;

import static io.ladon.engine.kernel.x86.Memory.at;
import static io.ladon.engine.kernel.x86.Memory.each;
import static io.ladon.engine.kernel.x86.Vector.xmm;
import static io.ladon.engine.kernel.x86.Vector.ymm;
import static io.ladon.engine.kernel.x86.Vector.zmm;
import static org.assertj.core.api.Assertions.assertThat;

import io.ladon.engine.kernel.x86.Assembler.Condition;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every instruction against the bytes that GNU as makes of its text. */
class AssemblerTest {

  private final Map<String, Consumer<Assembler>> cases = new LinkedHashMap<>();

  AssemblerTest() {
    integers();
    control();
    moves();
    conversions();
    floats();
    lanes();
    bits();
    tiles();
  }

  private void integers() {
    is("mov rax, rdi", a -> a.mov(Gp.RAX, Gp.RDI));
    is("mov r15, rdi", a -> a.mov(Gp.R15, Gp.RDI));
    is("mov rdx, r12", a -> a.mov(Gp.RDX, Gp.R12));
    is("mov rax, [rdi]", a -> a.mov(Gp.RAX, at(Gp.RDI, 0)));
    is("mov rbp, [r15+8]", a -> a.mov(Gp.RBP, at(Gp.R15, 8)));
    is("mov r9, [rsp+128]", a -> a.mov(Gp.R9, at(Gp.RSP, 128)));
    is("mov rcx, [rbp]", a -> a.mov(Gp.RCX, at(Gp.RBP, 0)));
    is("mov rcx, [r13]", a -> a.mov(Gp.RCX, at(Gp.R13, 0)));
    is("mov rcx, [r12]", a -> a.mov(Gp.RCX, at(Gp.R12, 0)));
    is("mov rcx, [rbx-128]", a -> a.mov(Gp.RCX, at(Gp.RBX, -128)));
    is("mov [rdi+16], rcx", a -> a.mov(at(Gp.RDI, 16), Gp.RCX));
    is("mov [r8-129], r10", a -> a.mov(at(Gp.R8, -129), Gp.R10));
    is("mov rax, 252645135", a -> a.mov(Gp.RAX, 0x0F0F0F0F));
    is("mov r9, -8", a -> a.mov(Gp.R9, -8));
    is("movabs r11, 81985529216486895", a -> a.movabs(Gp.R11, 0x0123456789ABCDEFL));
    is("movabs rax, -2", a -> a.movabs(Gp.RAX, -2L));
    is("add rax, r9", a -> a.add(Gp.RAX, Gp.R9));
    is("add rdi, [rbx+8]", a -> a.add(Gp.RDI, at(Gp.RBX, 8)));
    is("add rsi, 64", a -> a.add(Gp.RSI, 64));
    is("add rax, 352", a -> a.add(Gp.RAX, 352));
    is("add r12, 4096", a -> a.add(Gp.R12, 4096));
    is("sub rdx, 512", a -> a.sub(Gp.RDX, 512));
    is("sub rsp, 8", a -> a.sub(Gp.RSP, 8));
    is("sub rcx, r9", a -> a.sub(Gp.RCX, Gp.R9));
    is("and rsi, -4097", a -> a.and(Gp.RSI, -4097));
    is("cmp r13, [r15+56]", a -> a.cmp(Gp.R13, at(Gp.R15, 56)));
    is("cmp r11, 65535", a -> a.cmp(Gp.R11, 0xFFFF));
    is("cmp rcx, rsi", a -> a.cmp(Gp.RCX, Gp.RSI));
    is("cmp r9, rax", a -> a.cmp(Gp.R9, Gp.RAX));
    is("imul r11, r10", a -> a.imul(Gp.R11, Gp.R10));
    is("imul r9, rcx", a -> a.imul(Gp.R9, Gp.RCX));
    is("imul rdi, rbp, 256", a -> a.imul(Gp.RDI, Gp.RBP, 256));
    is("imul r9, r12, 4096", a -> a.imul(Gp.R9, Gp.R12, 4096));
    is("shl rax, 4", a -> a.shl(Gp.RAX, 4));
    is("sar r12, 6", a -> a.sar(Gp.R12, 6));
    is("movsxd rax, dword ptr [rbx+8]", a -> a.movsxd(Gp.RAX, at(Gp.RBX, 8)));
    is("movsxd r10, dword ptr [r9]", a -> a.movsxd(Gp.R10, at(Gp.R9, 0)));
    is("rep movsd", Assembler::repMovsd);
    is("dec rcx", a -> a.dec(Gp.RCX));
    is("dec r10", a -> a.dec(Gp.R10));
    is("test rcx, rcx", a -> a.test(Gp.RCX, Gp.RCX));
    is("test r9, rax", a -> a.test(Gp.R9, Gp.RAX));
    is("push rbx", a -> a.push(Gp.RBX));
    is("push r15", a -> a.push(Gp.R15));
    is("pop rbp", a -> a.pop(Gp.RBP));
    is("pop r12", a -> a.pop(Gp.R12));
  }

  private void control() {
    is("0: dec rcx; {disp32} jne 0b", a -> back(a, Condition.NOT_EQUAL));
    is("0: dec rcx; {disp32} je 0b", a -> back(a, Condition.EQUAL));
    is("0: dec rcx; {disp32} jbe 0b", a -> back(a, Condition.BELOW_OR_EQUAL));
    is("0: dec rcx; {disp32} jl 0b", a -> back(a, Condition.LESS));
    is("0: dec rcx; {disp32} jge 0b", a -> back(a, Condition.GREATER_OR_EQUAL));
    is("0: dec rcx; {disp32} jle 0b", a -> back(a, Condition.LESS_OR_EQUAL));
    is("cmp rax, rcx; {disp32} jge 0f; mov rax, rcx; 0:", a -> a.atLeast(Gp.RAX, Gp.RCX));
    is("cmp r9, rcx; {disp32} jle 0f; mov r9, rcx; 0:", a -> a.atMost(Gp.R9, Gp.RCX));
    is(
        "0: dec rcx; call 0b",
        a -> {
          Label function = new Label();
          a.bind(function);
          a.dec(Gp.RCX);
          a.call(function);
        });
    is(
        "{disp32} jmp 0f; {disp32} je 0f; dec rcx; 0: ret",
        a -> {
          Label end = new Label();
          a.jmp(end);
          a.jump(Condition.EQUAL, end);
          a.dec(Gp.RCX);
          a.bind(end);
          a.ret();
        });
    is("call [r13]", a -> a.call(at(Gp.R13, 0)));
    is("call [rax+8]", a -> a.call(at(Gp.RAX, 8)));
    is("ret", Assembler::ret);
    is("clflushopt [rsi]", a -> a.clflushopt(at(Gp.RSI, 0)));
    is("clflushopt [r12+192]", a -> a.clflushopt(at(Gp.R12, 192)));
    is("mfence", Assembler::mfence);
    is("prefetcht0 [r12+64]", a -> a.prefetcht0(at(Gp.R12, 64)));
    is("prefetcht0 [rsi]", a -> a.prefetcht0(at(Gp.RSI, 0)));
    is("prefetcht1 [r12+2624]", a -> a.prefetcht1(at(Gp.R12, 2624)));
    is("syscall", Assembler::syscall);
    is("cpuid", Assembler::cpuid);
    is("xgetbv", Assembler::xgetbv);
    is("vzeroupper", Assembler::vzeroupper);
  }

  private static void back(Assembler a, Condition when) {
    Label label = new Label();
    a.bind(label);
    a.dec(Gp.RCX);
    a.jump(when, label);
  }

  private void moves() {
    is("vmovups ymm3, [rdx+32]", a -> a.vmovups(ymm(3), at(Gp.RDX, 32)));
    is("vmovups zmm26, [rdx+448]", a -> a.vmovups(zmm(26), at(Gp.RDX, 448)));
    is("vmovups ymm12, [r9-4]", a -> a.vmovups(ymm(12), at(Gp.R9, -4)));
    is("vmovups [rdx+32], ymm3", a -> a.vmovups(at(Gp.RDX, 32), ymm(3)));
    is("vmovups [rdx+8192], zmm8", a -> a.vmovups(at(Gp.RDX, 8192), zmm(8)));
    is("vmovups [r9]{k1}, zmm26", a -> a.vmovups(at(Gp.R9, 0), 1, zmm(26)));
    is("vmaskmovps [r9+32], ymm14, ymm3", a -> a.vmaskmovps(at(Gp.R9, 32), ymm(14), ymm(3)));
    is("vmovdqu ymm0, [rsi]", a -> a.vmovdqu(ymm(0), at(Gp.RSI, 0)));
    is("vmovdqu ymm15, [r13+96]", a -> a.vmovdqu(ymm(15), at(Gp.R13, 96)));
    is("vmovdqu [rax], ymm9", a -> a.vmovdqu(at(Gp.RAX, 0), ymm(9)));
    is("vmovdqu xmm9, [rax+16]", a -> a.vmovdqu(xmm(9), at(Gp.RAX, 16)));
    is("vmovdqu32 zmm22, [rdi+64]", a -> a.vmovdqu32(zmm(22), at(Gp.RDI, 64)));
    is("vmovdqu32 zmm1, [r13+65]", a -> a.vmovdqu32(zmm(1), at(Gp.R13, 65)));
    is("vmovd dword ptr [rax+36], xmm4", a -> a.vmovd(at(Gp.RAX, 36), xmm(4)));
    is("vmovd dword ptr [r9+36], xmm14", a -> a.vmovd(at(Gp.R9, 36), xmm(14)));
    is("vmovd xmm5, eax", a -> a.vmovd(xmm(5), Gp.RAX));
    is("vmovd xmm15, r9d", a -> a.vmovd(xmm(15), Gp.R9));
    is("vmovd eax, xmm0", a -> a.vmovd(Gp.RAX, xmm(0)));
    is("vmovd r10d, xmm12", a -> a.vmovd(Gp.R10, xmm(12)));
    is("vmovmskps ecx, ymm4", a -> a.vmovmskps(Gp.RCX, ymm(4)));
    is("vmovmskps r9d, ymm14", a -> a.vmovmskps(Gp.R9, ymm(14)));
    is("vperm2i128 ymm3, ymm0, ymm12, 1", a -> a.vperm2i128(ymm(3), ymm(0), ymm(12), 1));
    is("vshuff32x4 zmm3, zmm0, zmm0, 78", a -> a.vshuff32x4(zmm(3), zmm(0), zmm(0), 78));
    is("vshuff32x4 zmm20, zmm9, zmm17, 177", a -> a.vshuff32x4(zmm(20), zmm(9), zmm(17), 177));
    is("vpextrw word ptr [rdx+96], xmm0, 3", a -> a.vpextrw(at(Gp.RDX, 96), xmm(0), 3));
    is("vpextrw word ptr [r9], xmm10, 7", a -> a.vpextrw(at(Gp.R9, 0), xmm(10), 7));
    is("vextracti128 xmm2, ymm1, 1", a -> a.vextracti128(xmm(2), ymm(1), 1));
    is("vextracti128 xmm2, ymm11, 1", a -> a.vextracti128(xmm(2), ymm(11), 1));
    is("kmovw k1, eax", a -> a.kmovw(1, Gp.RAX));
    is("kmovw k2, r10d", a -> a.kmovw(2, Gp.R10));
    is("vbroadcastss xmm3, dword ptr [rdx]", a -> a.vbroadcastss(xmm(3), at(Gp.RDX, 0)));
    is("vbroadcastss ymm13, dword ptr [r8+36]", a -> a.vbroadcastss(ymm(13), at(Gp.R8, 36)));
    is("vbroadcastss zmm13, dword ptr [r8+36]", a -> a.vbroadcastss(zmm(13), at(Gp.R8, 36)));
    is("vpbroadcastd zmm7, dword ptr [rax+80]", a -> a.vpbroadcastd(zmm(7), at(Gp.RAX, 80)));
    is("vpbroadcastd zmm17, dword ptr [rax+1]", a -> a.vpbroadcastd(zmm(17), at(Gp.RAX, 1)));
    is("vpbroadcastd ymm7, dword ptr [rax+80]", a -> a.vpbroadcastd(ymm(7), at(Gp.RAX, 80)));
    is("vpbroadcastd zmm29, eax", a -> a.vpbroadcastd(zmm(29), Gp.RAX));
    is("vpbroadcastd zmm2, r11d", a -> a.vpbroadcastd(zmm(2), Gp.R11));
    is("vpbroadcastd ymm5, xmm5", a -> a.vpbroadcastd(ymm(5), xmm(5)));
  }

  private void conversions() {
    is("vcvtph2ps ymm4, [rsi]", a -> a.vcvtph2ps(ymm(4), at(Gp.RSI, 0)));
    is("vcvtph2ps ymm14, [r14+16]", a -> a.vcvtph2ps(ymm(14), at(Gp.R14, 16)));
    is("vcvtph2ps zmm18, [rsi]", a -> a.vcvtph2ps(zmm(18), at(Gp.RSI, 0)));
    is("vcvtph2ps zmm19, [rsi+32]", a -> a.vcvtph2ps(zmm(19), at(Gp.RSI, 32)));
    is("vcvtph2ps zmm19, [r8+48]", a -> a.vcvtph2ps(zmm(19), at(Gp.R8, 48)));
    is("vcvtps2ph xmm0, ymm0, 0", a -> a.vcvtps2ph(xmm(0), ymm(0)));
    is("vcvtps2ph xmm9, ymm12, 0", a -> a.vcvtps2ph(xmm(9), ymm(12)));
    is("vcvtdq2ps ymm1, ymm9", a -> a.vcvtdq2ps(ymm(1), ymm(9)));
    is("vcvtdq2ps xmm4, xmm1", a -> a.vcvtdq2ps(xmm(4), xmm(1)));
    is("vcvtdq2ps zmm16, zmm16", a -> a.vcvtdq2ps(zmm(16), zmm(16)));
    is("vcvtdq2ps zmm0, zmm0", a -> a.vcvtdq2ps(zmm(0), zmm(0)));
    is("vcvtps2dq ymm1, ymm9", a -> a.vcvtps2dq(ymm(1), ymm(9)));
    is("vcvtps2dq zmm3, zmm3", a -> a.vcvtps2dq(zmm(3), zmm(3)));
    is("vpmovzxbd ymm8, [rsi+8]", a -> a.vpmovzxbd(ymm(8), at(Gp.RSI, 8)));
    is("vpmovzxbd zmm17, [rsi+16]", a -> a.vpmovzxbd(zmm(17), at(Gp.RSI, 16)));
    is("vcvtph2ps zmm16, [rdi+992]", a -> a.vcvtph2ps(zmm(16), at(Gp.RDI, 992)));
    is("vpmovzxwd zmm16, [rdi+992]", a -> a.vpmovzxwd(zmm(16), at(Gp.RDI, 992)));
    is("vpmovzxwd ymm8, [rdi+1008]", a -> a.vpmovzxwd(ymm(8), at(Gp.RDI, 1008)));
    is("vpmovzxwd ymm12, [r13+16]", a -> a.vpmovzxwd(ymm(12), at(Gp.R13, 16)));
    is("vpmovsxbd ymm8, [r9+8]", a -> a.vpmovsxbd(ymm(8), at(Gp.R9, 8)));
    is("vpmovsxbd zmm16, [rsi+16]", a -> a.vpmovsxbd(zmm(16), at(Gp.RSI, 16)));
  }

  private void floats() {
    is("vaddps ymm1, ymm9, ymm10", a -> a.vaddps(ymm(1), ymm(9), ymm(10)));
    is("vaddps ymm1, ymm1, [rdx+64]", a -> a.vaddps(ymm(1), ymm(1), at(Gp.RDX, 64)));
    is("vaddps zmm8, zmm8, [rdx+64]", a -> a.vaddps(zmm(8), zmm(8), at(Gp.RDX, 64)));
    is("vmulps ymm11, ymm2, ymm3", a -> a.vmulps(ymm(11), ymm(2), ymm(3)));
    is("vmulps xmm4, xmm4, xmm3", a -> a.vmulps(xmm(4), xmm(4), xmm(3)));
    is("vmulps zmm16, zmm16, zmm18", a -> a.vmulps(zmm(16), zmm(16), zmm(18)));
    is(
        "vmulps zmm26, zmm16, dword ptr [rax+32]{1to16}",
        a -> a.vmulps(zmm(26), zmm(16), each(Gp.RAX, 32)));
    is("vdivps xmm5, xmm4, xmm13", a -> a.vdivps(xmm(5), xmm(4), xmm(13)));
    is("vdivps zmm5, zmm4, zmm13", a -> a.vdivps(zmm(5), zmm(4), zmm(13)));
    is("vsubps ymm5, ymm4, [r11+128]", a -> a.vsubps(ymm(5), ymm(4), at(Gp.R11, 128)));
    is("vsubps zmm5, zmm14, zmm13", a -> a.vsubps(zmm(5), zmm(14), zmm(13)));
    is("vmaxps ymm2, ymm3, ymm2", a -> a.vmaxps(ymm(2), ymm(3), ymm(2)));
    is("vmaxps zmm2, zmm23, zmm2", a -> a.vmaxps(zmm(2), zmm(23), zmm(2)));
    is("vminps ymm12, ymm3, ymm2", a -> a.vminps(ymm(12), ymm(3), ymm(2)));
    is("vminps zmm2, zmm3, [r11+64]", a -> a.vminps(zmm(2), zmm(3), at(Gp.R11, 64)));
    is("vsqrtps ymm0, ymm9", a -> a.vsqrtps(ymm(0), ymm(9)));
    is("vsqrtps zmm0, zmm1", a -> a.vsqrtps(zmm(0), zmm(1)));
    is("vcmpunordps ymm2, ymm2, ymm3", a -> a.vcmpunordps(ymm(2), ymm(2), ymm(3)));
    is("vucomiss xmm0, xmm2", a -> a.vucomiss(xmm(0), xmm(2)));
    is("vucomiss xmm9, xmm12", a -> a.vucomiss(xmm(9), xmm(12)));
    is("vfmadd213ps zmm7, zmm12, [r11+192]", a -> a.vfmadd213ps(zmm(7), zmm(12), at(Gp.R11, 192)));
    is("vfmadd231ps ymm1, ymm12, ymm3", a -> a.vfmadd231ps(ymm(1), ymm(12), ymm(3)));
    is("vfmadd231ps ymm1, ymm2, [r8+32]", a -> a.vfmadd231ps(ymm(1), ymm(2), at(Gp.R8, 32)));
    is("vfmadd213ps ymm7, ymm12, [rdx+64]", a -> a.vfmadd213ps(ymm(7), ymm(12), at(Gp.RDX, 64)));
    is("vfnmadd231ps ymm7, ymm10, ymm12", a -> a.vfnmadd231ps(ymm(7), ymm(10), ymm(12)));
    is("vscalefps zmm3{k1}{z}, zmm17, zmm5", a -> a.vscalefps(zmm(3), 1, zmm(17), zmm(5)));
    is("vcmpnleps k1, zmm17, [r11+64]", a -> a.vcmpps(1, zmm(17), at(Gp.R11, 64), 6));
    is("vcmpnleps ymm5, ymm5, [r11+64]", a -> a.vcmpps(ymm(5), ymm(5), at(Gp.R11, 64), 6));
    is("vfmadd231ps zmm15, zmm7, zmm26", a -> a.vfmadd231ps(zmm(15), zmm(7), zmm(26)));
    is(
        "vfmadd231ps zmm15, zmm17, dword ptr [rax+304]{1to16}",
        a -> a.vfmadd231ps(zmm(15), zmm(17), each(Gp.RAX, 304)));
    is(
        "vfmadd231ps zmm15, zmm16, dword ptr [rax+1020]{1to16}",
        a -> a.vfmadd231ps(zmm(15), zmm(16), each(Gp.RAX, 1020)));
  }

  private void lanes() {
    is("vpaddd xmm1, xmm1, xmm2", a -> a.vpaddd(xmm(1), xmm(1), xmm(2)));
    is("vpaddw ymm3, ymm3, ymm12", a -> a.vpaddw(ymm(3), ymm(3), ymm(12)));
    is("vpsubd ymm3, ymm3, ymm10", a -> a.vpsubd(ymm(3), ymm(3), ymm(10)));
    is("vpmaxsd ymm4, ymm4, ymm5", a -> a.vpmaxsd(ymm(4), ymm(4), ymm(5)));
    is("vpmaxsd xmm4, xmm4, xmm5", a -> a.vpmaxsd(xmm(4), xmm(4), xmm(5)));
    is("vpcmpgtd xmm5, xmm14, xmm6", a -> a.vpcmpgtd(xmm(5), xmm(14), xmm(6)));
    is("vpackssdw xmm3, xmm3, xmm4", a -> a.vpackssdw(xmm(3), xmm(3), xmm(4)));
    is("vpacksswb xmm2, xmm2, xmm3", a -> a.vpacksswb(xmm(2), xmm(2), xmm(3)));
    is("vpmullw ymm8, ymm8, ymm10", a -> a.vpmullw(ymm(8), ymm(8), ymm(10)));
    is("vpshufd ymm9, ymm1, 78", a -> a.vpshufd(ymm(9), ymm(1), 78));
    is("vpshufd xmm9, xmm8, 177", a -> a.vpshufd(xmm(9), xmm(8), 177));
    is("vpaddd ymm1, ymm11, [r10]", a -> a.vpaddd(ymm(1), ymm(11), at(Gp.R10, 0)));
    is("vphaddd ymm1, ymm1, ymm1", a -> a.vphaddd(ymm(1), ymm(1), ymm(1)));
    is("vpmulld xmm4, xmm1, xmm7", a -> a.vpmulld(xmm(4), xmm(1), xmm(7)));
    is("vpmaddubsw ymm1, ymm5, ymm0", a -> a.vpmaddubsw(ymm(1), ymm(5), ymm(0)));
    is("vpmaddubsw ymm9, ymm5, [rax+32]", a -> a.vpmaddubsw(ymm(9), ymm(5), at(Gp.RAX, 32)));
    is("vpmaddwd ymm1, ymm1, ymm6", a -> a.vpmaddwd(ymm(1), ymm(1), ymm(6)));
    is("vpdpbusd zmm0, zmm20, zmm21", a -> a.vpdpbusd(zmm(0), zmm(20), zmm(21)));
    is(
        "vpdpbusd zmm7, zmm21, dword ptr [rax+336]{1to16}",
        a -> a.vpdpbusd(zmm(7), zmm(21), each(Gp.RAX, 336)));
    is(
        "vpdpbusd zmm31, zmm21, dword ptr [r9+508]{1to16}",
        a -> a.vpdpbusd(zmm(31), zmm(21), each(Gp.R9, 508)));
    is(
        "vpdpbusd zmm31, zmm21, dword ptr [r9+512]{1to16}",
        a -> a.vpdpbusd(zmm(31), zmm(21), each(Gp.R9, 512)));
    is("vpsignb ymm13, ymm12, ymm8", a -> a.vpsignb(ymm(13), ymm(12), ymm(8)));
    is("vpsignb ymm3, ymm2, [rdi+32]", a -> a.vpsignb(ymm(3), ymm(2), at(Gp.RDI, 32)));
    is("vpabsb ymm10, ymm8", a -> a.vpabsb(ymm(10), ymm(8)));
    is("vpabsb ymm1, [rdi+480]", a -> a.vpabsb(ymm(1), at(Gp.RDI, 480)));
    is("{vex} vpdpbusd ymm0, ymm14, ymm12", a -> a.vpdpbusd(ymm(0), ymm(14), ymm(12)));
    is("{vex} vpdpbusd ymm11, ymm6, ymm7", a -> a.vpdpbusd(ymm(11), ymm(6), ymm(7)));
    is("vpsllw zmm23, zmm24, 3", a -> a.vpsllw(zmm(23), zmm(24), 3));
    is("vpsllw ymm3, ymm14, 3", a -> a.vpsllw(ymm(3), ymm(14), 3));
    is("vpsrlw zmm21, zmm22, 4", a -> a.vpsrlw(zmm(21), zmm(22), 4));
    is("vpsrad ymm9, ymm10, 1", a -> a.vpsrad(ymm(9), ymm(10), 1));
    is("vpsrad zmm9, zmm10, 1", a -> a.vpsrad(zmm(9), zmm(10), 1));
    is("vpsrld zmm9, zmm10, 16", a -> a.vpsrld(zmm(9), zmm(10), 16));
    is("vpunpcklqdq zmm4, zmm5, zmm17", a -> a.vpunpcklqdq(zmm(4), zmm(5), zmm(17)));
    is("vpunpckldq ymm4, ymm0, ymm1", a -> a.vpunpckldq(ymm(4), ymm(0), ymm(1)));
    is("vpunpckldq zmm4, zmm2, zmm3", a -> a.vpunpckldq(zmm(4), zmm(2), zmm(3)));
    is("vpunpckhdq ymm0, ymm0, ymm9", a -> a.vpunpckhdq(ymm(0), ymm(0), ymm(9)));
    is("vpunpckhdq zmm2, zmm2, zmm3", a -> a.vpunpckhdq(zmm(2), zmm(2), zmm(3)));
    is("vpunpcklqdq ymm4, ymm8, ymm10", a -> a.vpunpcklqdq(ymm(4), ymm(8), ymm(10)));
    is("vpunpckhqdq ymm8, ymm8, ymm10", a -> a.vpunpckhqdq(ymm(8), ymm(8), ymm(10)));
    is("vpunpckhqdq zmm0, zmm0, zmm2", a -> a.vpunpckhqdq(zmm(0), zmm(0), zmm(2)));
    is("vpermd ymm0, ymm15, ymm0", a -> a.vpermd(ymm(0), ymm(15), ymm(0)));
    is("vpermd zmm0, zmm15, zmm0", a -> a.vpermd(zmm(0), zmm(15), zmm(0)));
    is("vpermw zmm4, zmm15, zmm28", a -> a.vpermw(zmm(4), zmm(15), zmm(28)));
    is("vpermi2w zmm4, zmm28, zmm29", a -> a.vpermi2w(zmm(4), zmm(28), zmm(29)));
    is("vpslld zmm16, zmm16, 16", a -> a.vpslld(zmm(16), zmm(16), 16));
    is("vpslld ymm8, ymm8, 16", a -> a.vpslld(ymm(8), ymm(8), 16));
    is("vpslld ymm9, ymm10, 23", a -> a.vpslld(ymm(9), ymm(10), 23));
    is("vpslld zmm19, zmm10, 23", a -> a.vpslld(zmm(19), zmm(10), 23));
    is("vpaddd zmm9, zmm9, [r11+1088]", a -> a.vpaddd(zmm(9), zmm(9), at(Gp.R11, 1088)));
    is("vpsubd zmm9, zmm9, zmm1", a -> a.vpsubd(zmm(9), zmm(9), zmm(1)));
    is("vpshufd zmm9, zmm1, 78", a -> a.vpshufd(zmm(9), zmm(1), 78));
    is("vpsrlw ymm11, ymm2, 4", a -> a.vpsrlw(ymm(11), ymm(2), 4));
  }

  private void bits() {
    is("vpand ymm8, ymm10, ymm13", a -> a.vpand(ymm(8), ymm(10), ymm(13)));
    is("vpor ymm8, ymm8, ymm12", a -> a.vpor(ymm(8), ymm(8), ymm(12)));
    is("vpxor ymm12, ymm12, ymm12", a -> a.vpxor(ymm(12), ymm(12), ymm(12)));
    is("vpandd zmm20, zmm22, zmm30", a -> a.vpandd(zmm(20), zmm(22), zmm(30)));
    is("vpxord zmm0, zmm0, zmm0", a -> a.vpxord(zmm(0), zmm(0), zmm(0)));
    is("vpxord zmm20, zmm31, [rdi+448]", a -> a.vpxord(zmm(20), zmm(31), at(Gp.RDI, 448)));
    is("vpternlogd zmm20, zmm23, zmm31, 248", a -> a.vpternlogd(zmm(20), zmm(23), zmm(31), 0xF8));
  }

  private void tiles() {
    is("ldtilecfg [r15+192]", a -> a.ldtilecfg(at(Gp.R15, 192)));
    is("ldtilecfg [rdi]", a -> a.ldtilecfg(at(Gp.RDI, 0)));
    is("tilerelease", TileInstructions::tilerelease);
    is("tileloadd tmm1, [rax+r11*1]", a -> a.tileloadd(1, at(Gp.RAX, 0), Gp.R11));
    is("tileloadd tmm7, [r13+rcx*1+1024]", a -> a.tileloadd(7, at(Gp.R13, 1024), Gp.RCX));
    is("tilestored [rsi+r11*1], tmm0", a -> a.tilestored(at(Gp.RSI, 0), Gp.R11, 0));
    is("tilestored [r12+r9*1+64], tmm3", a -> a.tilestored(at(Gp.R12, 64), Gp.R9, 3));
    is("tilezero tmm0", a -> a.tilezero(0));
    is("tilezero tmm5", a -> a.tilezero(5));
    is("tdpbf16ps tmm0, tmm1, tmm2", a -> a.tdpbf16ps(0, 1, 2));
    is("tdpbf16ps tmm7, tmm4, tmm3", a -> a.tdpbf16ps(7, 4, 3));
  }

  private void is(String text, Consumer<Assembler> code) {
    cases.put(text, code);
  }

  @TestFactory
  Stream<DynamicTest> encodesAsGnuAsDoes() throws IOException {
    Map<String, String> vectors = vectors();
    return cases.entrySet().stream()
        .map(
            entry ->
                DynamicTest.dynamicTest(
                    entry.getKey(),
                    () -> {
                      Assembler a = new Assembler();
                      entry.getValue().accept(a);
                      assertThat(HexFormat.of().withUpperCase().formatHex(a.toBytes()))
                          .isEqualTo(vectors.get(entry.getKey()));
                    }));
  }

  @Test
  void hasACaseForEveryVector() throws IOException {
    assertThat(vectors().keySet()).containsExactlyElementsOf(cases.keySet());
  }

  /** Bytes by instruction; the file says how they were made. */
  private static Map<String, String> vectors() throws IOException {
    Map<String, String> vectors = new LinkedHashMap<>();
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(
                Objects.requireNonNull(AssemblerTest.class.getResourceAsStream("encodings.txt")),
                StandardCharsets.UTF_8))) {
      reader
          .lines()
          .filter(line -> !line.startsWith("#"))
          .map(line -> line.split(" \\| ", 2))
          .forEach(parts -> vectors.put(parts[0], parts[1]));
    }
    return vectors;
  }
}
