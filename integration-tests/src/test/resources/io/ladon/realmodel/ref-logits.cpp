// ref-logits: greedy tokens and exact log-probabilities from libllama, for token-id prompts.
//
//   ref-logits -m model.gguf [-c ctx] [-t threads] [-b batch] [-ub ubatch] [--no-repack] [--keep-going] [--top n]
//
// stdin:  {"n_predict":64,"cases":[{"prompt_ids":[..], "forced":[..]?, "want":[[ids],..]?}, ..]}
//   forced: feed these tokens instead of the greedy ones; position i (0 = after the prompt) is reported for each
//   want:   at position i also report exactly these ids, in this order
// stdout: {"n_vocab":..,"results":[{"tokens":[..],"top":[[[id,logprob],..],..],"want":[[[id,logprob],..],..]?,"stop":"limit"|"eos"}]}
//
// KV cache float32, flash attention off. The log-softmax is summed in double over the raw float32 logits.
// Decoding stops after an end-of-generation token (which is part of "tokens") unless --keep-going.
#include "llama.h"
#include <nlohmann/json.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

using json = nlohmann::ordered_json;

struct Row { std::vector<std::pair<int, double>> top; std::vector<std::pair<int, double>> want; };

static Row row(const float * l, int n, int top, const std::vector<int> & want) {
    double mx = -INFINITY;
    for (int i = 0; i < n; i++) mx = std::max(mx, (double) l[i]);
    double s = 0;
    for (int i = 0; i < n; i++) s += std::exp((double) l[i] - mx);
    const double lse = mx + std::log(s);
    std::vector<int> ix(n);
    std::iota(ix.begin(), ix.end(), 0);
    top = std::min(top, n);
    std::partial_sort(ix.begin(), ix.begin() + top, ix.end(), [&](int a, int b) { return l[a] != l[b] ? l[a] > l[b] : a < b; });
    Row r;
    for (int i = 0; i < top; i++) r.top.push_back({ix[i], l[ix[i]] - lse});
    for (int id : want) r.want.push_back({id, l[id] - lse});
    return r;
}

static double r6(double x) { double y = std::round(x * 1e6) / 1e6; return y == 0 ? 0 : y; }

static json pairs(const std::vector<std::pair<int, double>> & v) {
    json a = json::array();
    for (auto & p : v) a.push_back(json::array({p.first, r6(p.second)}));
    return a;
}

int main(int argc, char ** argv) {
    std::string model_path;
    int n_ctx = 4096, threads = 2, n_batch = 512, n_ubatch = 512, top = 5;
    bool repack = true, keep_going = false;
    for (int i = 1; i < argc; i++) {
        std::string a = argv[i];
        auto next = [&] { if (i + 1 >= argc) { fprintf(stderr, "%s needs a value\n", a.c_str()); exit(2); } return std::string(argv[++i]); };
        if (a == "-m") model_path = next();
        else if (a == "-c") n_ctx = std::stoi(next());
        else if (a == "-t") threads = std::stoi(next());
        else if (a == "-b") n_batch = std::stoi(next());
        else if (a == "-ub") n_ubatch = std::stoi(next());
        else if (a == "--top") top = std::stoi(next());
        else if (a == "--no-repack") repack = false;
        else if (a == "--keep-going") keep_going = true;
        else { fprintf(stderr, "unknown option %s\n", a.c_str()); return 2; }
    }
    llama_log_set([](ggml_log_level level, const char * text, void *) { if (level == GGML_LOG_LEVEL_ERROR || level == GGML_LOG_LEVEL_WARN) fputs(text, stderr); }, nullptr);
    llama_backend_init();
    auto mp = llama_model_default_params();
    mp.n_gpu_layers = 0;
    mp.use_extra_bufts = repack;
    llama_model * model = llama_model_load_from_file(model_path.c_str(), mp);
    if (!model) return 1;
    auto cp = llama_context_default_params();
    cp.n_ctx = n_ctx; cp.n_batch = n_batch; cp.n_ubatch = std::min(n_ubatch, n_batch); cp.n_seq_max = 1;
    cp.n_threads = cp.n_threads_batch = threads;
    cp.type_k = cp.type_v = GGML_TYPE_F32;
    cp.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    llama_context * ctx = llama_init_from_model(model, cp);
    if (!ctx) return 1;
    const llama_vocab * vocab = llama_model_get_vocab(model);
    const int n_vocab = llama_vocab_n_tokens(vocab);

    json in = json::parse(std::cin);
    const int n_predict = in.value("n_predict", 64);
    json results = json::array();
    for (auto & c : in["cases"]) {
        llama_memory_clear(llama_get_memory(ctx), true);
        std::vector<llama_token> prompt = c["prompt_ids"].get<std::vector<llama_token>>();
        const bool is_forced = c.contains("forced");
        std::vector<llama_token> forced = is_forced ? c["forced"].get<std::vector<llama_token>>() : std::vector<llama_token>();
        const int n = is_forced ? (int) forced.size() : n_predict;
        if ((int) prompt.size() + n > n_ctx) { fprintf(stderr, "prompt + predicted tokens exceed -c %d\n", n_ctx); return 1; }
        for (size_t p = 0; p < prompt.size(); p += n_batch) {
            int k = (int) std::min((size_t) n_batch, prompt.size() - p);
            if (llama_decode(ctx, llama_batch_get_one(prompt.data() + p, k))) { fprintf(stderr, "decode failed\n"); return 1; }
        }
        json tokens = json::array(), tops = json::array(), wants = json::array();
        std::string stop = "limit";
        for (int i = 0; i < n; i++) {
            std::vector<int> want;
            if (c.contains("want")) want = c["want"][i].get<std::vector<int>>();
            Row r = row(llama_get_logits_ith(ctx, -1), n_vocab, top, want);
            llama_token t = is_forced ? forced[i] : r.top[0].first;
            tokens.push_back(t); tops.push_back(pairs(r.top)); wants.push_back(pairs(r.want));
            if (!is_forced && !keep_going && llama_vocab_is_eog(vocab, t)) { stop = "eos"; break; }
            if (i + 1 < n && llama_decode(ctx, llama_batch_get_one(&t, 1))) { fprintf(stderr, "decode failed\n"); return 1; }
        }
        json o = {{"tokens", tokens}, {"top", tops}, {"stop", stop}};
        if (c.contains("want")) o["want"] = wants;
        results.push_back(o);
    }
    std::cout << json{{"n_vocab", n_vocab}, {"results", results}}.dump() << std::endl;
    llama_free(ctx);
    llama_model_free(model);
}
