#!/usr/bin/env python3
"""Writes the expected values beside it; README.md there has the commands.

expected.py prompts   MODEL < [{"name", "text", "prompt_ids"}, ...]       a new MODEL-f32.json with prompts only
expected.py f32       MODEL F32.gguf REF_LOGITS NOTE                      fills in MODEL-f32.json
expected.py published MODEL PUBLISHED.gguf REF_LOGITS NOTE                writes MODEL-published.json
"""
import hashlib, json, os, subprocess, sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
FLAGS = ["-c", "4096", "-t", "2", "-b", "512", "-ub", "512"]
STEPS = 64


def read(name):
    with open(f"{FOLDER}/{name}.json", encoding="utf-8") as f:
        return json.load(f)


def write(name, head, cases):
    """One line a case."""
    dump = lambda x: json.dumps(x, ensure_ascii=False, separators=(",", ":"))
    head = json.dumps(head, ensure_ascii=False, indent=1)[:-2]
    with open(f"{FOLDER}/{name}.json", "w", encoding="utf-8") as f:
        f.write(head + ',\n "cases": [\n' + ",\n".join(map(dump, cases)) + "\n]}\n")


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def tensors_sha256(path):
    """Of the elements of all tensors of an F32 file, in the order of their names."""
    from gguf import GGUFReader  # llama.cpp/gguf-py

    digest = hashlib.sha256()
    for tensor in sorted(GGUFReader(path).tensors, key=lambda t: t.name):
        assert tensor.tensor_type.name == "F32", tensor.name
        digest.update(tensor.data.tobytes())
    return digest.hexdigest()


def ref_logits(program, path, request):
    run = subprocess.run([program, "-m", path, *FLAGS], input=json.dumps(request), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(run.stdout)["results"]


def head(model, variant, path, note):
    return {"model": model, "variant": variant, "file": os.path.basename(path), "file_sha256": sha256(path), "llama_cpp": note,
            "command": " ".join(["ref-logits", "-m", os.path.basename(path), *FLAGS])}


def f32(model, path, program, note):
    cases = [{k: c[k] for k in ("name", "text", "prompt_ids")} for c in read(f"{model}-f32")["cases"]]
    results = ref_logits(program, path, {"n_predict": STEPS, "cases": cases})
    for case, result in zip(cases, results):
        case.update(stop=result["stop"], tokens=result["tokens"], top=result["top"])
    write(f"{model}-f32", head(model, "f32", path, note) | {"tensors_sha256": tensors_sha256(path)}, cases)


def published(model, path, program, note):
    cases = read(f"{model}-f32")["cases"]
    free = ref_logits(program, path, {"n_predict": STEPS, "cases": [{"prompt_ids": c["prompt_ids"]} for c in cases]})
    want = [[[i for i, _ in top] for top in c["top"]] for c in cases]
    along = ref_logits(program, path, {"cases": [
        {"prompt_ids": c["prompt_ids"], "forced": c["tokens"], "want": w} for c, w in zip(cases, want)]})
    write(f"{model}-published", head(model, "published", path, note), [
        {"name": c["name"], "stop": f["stop"], "tokens": f["tokens"], "forced": [[p for _, p in row] for row in a["want"]]}
        for c, f, a in zip(cases, free, along)])


if __name__ == "__main__":
    what, model, *rest = sys.argv[1:]
    if what == "prompts":
        write(f"{model}-f32", {"model": model}, json.load(sys.stdin))
    else:
        {"f32": f32, "published": published}[what](model, *rest)
