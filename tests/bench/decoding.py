"""Tokens a second of generation: ours, with all that a ``Step`` says, against transformers' ``generate`` in float32.

The 124M shape with random weights, one row, 128 tokens, greedy. The two take turns in one process and the best of their
turns counts. Memory is measured in processes of their own, as what they need above Python with torch.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.bench.idle import check_idle
from tests.bench.result import Result
from tests.bench.training import child

TARGETS = {"float32": 1.6, "16-bit": 3.0, "int8": 4.5}
TOKENS = 128
MARGIN = 200e6
"""Bytes that decoding may need above its weights and its cache."""

MODEL = """
import json, sys, time, logging
logging.disable(logging.WARNING)
import torch
from core.config import GPTConfig
from core.generation.engine import generate
from core.generation.pace import choose, make_runner
from core.generation.session import Session
from core.generation.settings import SamplingConfig
from core.weights.checkpoint import LoadedModel
class Ids:
    name, vocab_size, special_tokens, fingerprint = "ids", 50257, {}, "0" * 16
    def token_bytes(self, i): return b" %d" % i
def lab_of(model):
    from pathlib import Path
    return LoadedModel(model, Ids(), model.config, Path("."), "random", None)
"""
SPEED = (
    MODEL
    + """
from core.model.gpt import GPT
from transformers import GPT2Config, GPT2LMHeadModel
rounds, tokens = json.loads(sys.argv[1])
torch.manual_seed(0)
peer = GPT2LMHeadModel(GPT2Config(bos_token_id=None, eos_token_id=None, pad_token_id=0)).eval()
lab = lab_of(GPT(GPTConfig.preset("gpt2")).eval().requires_grad_(False))
lab.model.load_state_dict({
    name: (w.t() if name.endswith("weight") and ".c_" in name else w).contiguous()
    for name, w in ((n.removeprefix("transformer."), w) for n, w in peer.state_dict().items() if n != "lm_head.weight")
}, strict=True)
prompt = torch.tensor([[464]])
def theirs():
    return peer.generate(prompt, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False, use_cache=True,
                         attention_mask=torch.ones_like(prompt))[0, 1:].tolist()
def ours(session):
    session.forget()
    config = SamplingConfig(max_new_tokens=tokens, temperature=0)
    return [s.token_id for s in generate(lab, [464], config, session=session)]
sessions = {f: Session(lab, make_runner(lab.model, f)) for f in ("float32", "float16", "bfloat16", "int8")}
best = dict.fromkeys([*sessions, "peer"], 1e9)
for _ in range(rounds):
    for name in best:
        start = time.perf_counter()
        ids = theirs() if name == "peer" else ours(sessions[name])
        best[name] = min(best[name], time.perf_counter() - start)
        if name == "peer":
            expected = ids
    same = ours(sessions["float32"]) == expected
data, read = torch.ones(1 << 26), 1e9
for _ in range(10):
    start = time.perf_counter()
    data.sum()
    read = min(read, time.perf_counter() - start)
print(json.dumps({
    "rates": {name: tokens / s for name, s in best.items()},
    "bytes": {name: s.runner._reader.nbytes for name, s in sessions.items()},
    "bandwidth": data.nbytes / read, "auto": choose(lab.model), "same": same,
}))
"""
)
WRITE = """
import sys, json, torch
from safetensors.torch import save_file
from core.config import GPTConfig
from core.model.gpt import GPT
from pathlib import Path
torch.manual_seed(0)
folder = Path(sys.argv[1])
save_file({"transformer." + n: (w.t().contiguous() if n.endswith("weight") and ".c_" in n else w)
           for n, w in GPT(GPTConfig.preset("gpt2")).state_dict().items()}, folder / "model.safetensors")
(folder / "config.json").write_text(json.dumps({
    "model_type": "gpt2", "vocab_size": 50257, "n_positions": 1024, "n_embd": 768, "n_layer": 12, "n_head": 12,
    "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5}))
"""
MEMORY = (
    MODEL
    + """
from core.generation.opened import runner_for
import core.weights.checkpoint as checkpoint
checkpoint.tokenizer_of = lambda folder, config: Ids()  # the vocabulary is not what is weighed here
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
torch.nn.functional.linear(torch.ones(1, 64), torch.ones(64, 64))
floor = peak()
lab = checkpoint.load_model(sys.argv[1], device="cpu")
session = Session(lab, runner_for(lab, sys.argv[2]))
for step in generate(lab, [464], SamplingConfig(max_new_tokens=128, temperature=0), session=session):
    pass
print(json.dumps({"above": peak() - floor, "weights_and_cache": session.runner.bytes}))
"""
)


def measure(quick: bool = False) -> list[Result]:
    """Rates, shares of the memory's bandwidth, and memory."""
    check_idle()
    found = json.loads(child(SPEED, json.dumps([2 if quick else 6, TOKENS])))
    rates, peer = found["rates"], found["rates"]["peer"]
    half = max(("float16", "bfloat16"), key=lambda name: rates[name])
    results = []
    for label, name in (("float32", "float32"), ("16-bit", half), ("int8", "int8")):
        share = found["bytes"][name] * rates[name] / found["bandwidth"]
        note = f"{share:.0%} of the memory's {found['bandwidth'] / 1e9:.0f} GB/s"
        note += f"; auto takes {found['auto']}" if label == "16-bit" else ""
        note += "; the same tokens as transformers" if name == "float32" and found["same"] else ""
        ratio = rates[name] / peer
        results.append(
            Result(
                f"decoding: 124M, {name}, {TOKENS} tokens, against transformers' float32",
                rates[name],
                peer,
                "tokens/s",
                ratio,
                f">= {TARGETS[label]}",
                ratio >= TARGETS[label] and (name != "float32" or found["same"]),
                note,
            )
        )
    return results + memory(half)


def memory(half: str) -> list[Result]:
    """What a process needs above Python with torch, from the file to the last of 128 tokens."""
    results = []
    with tempfile.TemporaryDirectory() as folder:
        child(WRITE + "print(0)", folder)
        for name in ("float32", half, "int8"):
            found = json.loads(child(MEMORY, str(Path(folder)), name))
            above, due = found["above"], found["weights_and_cache"]
            results.append(
                Result(
                    f"decoding: 124M, {name}, memory above weights and cache",
                    (above - due) / 1e6,
                    due / 1e6,
                    "MB",
                    above / due,
                    f"<= {MARGIN / 1e6:.0f} MB",
                    above - due <= MARGIN,
                    "the peer's column: weights and cache",
                )
            )
    return results
