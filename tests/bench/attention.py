"""Looking inside GPT-2's 124 M shape: a trace with all attention read out, against transformers with eager attention.

The two take turns in one process, on one thread, with the same weights, and the best of their turns counts. Memory is
measured in processes of their own, above what each had with its model ready. Both hand over the logits and the
attention of all 144 heads, kept together. Then 1,024 tokens are looked at head by head: the peak of the
whole process, model and libraries included. The last figure is the demo on the screen: how soon its heads are there.
"""

from __future__ import annotations

import json
import sys
import tempfile

from tests.bench.idle import check_idle
from tests.bench.result import Result
from tests.bench.startup import folders
from tests.bench.terminal import Terminal
from tests.bench.training import child

TOKENS = 256
TIME, PEAK, HEADS = 1.5, 2e9, 2.0
"""How many times transformers' time a trace may take; bytes in which 1,024 tokens can be looked at; seconds until the
demo's heads are there."""
OPEN = (sys.executable, "-m", "lab", "open", "attention", "--fresh")
MEASURED = "on this text"
"""What stands below the grid once it shows what was measured; until then it says that this is being done."""

START = """
import json, logging, resource, sys, time
logging.disable(logging.WARNING)
import torch
torch.set_num_threads(1)
torch.set_grad_enabled(False)
tokens = int(sys.argv[1])
ids = torch.randint(50257, (1, tokens), generator=torch.Generator().manual_seed(0))
def highest():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
def from_here():  # the peak is forgotten; what is resident now
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
"""
PEER = """
from transformers import GPT2Config, GPT2LMHeadModel
torch.manual_seed(0)
peer = GPT2LMHeadModel(GPT2Config(attn_implementation="eager")).eval()
def theirs():
    out = peer(ids, output_attentions=True, use_cache=False)
    return out.logits[0], [layer[0] for layer in out.attentions]
"""
LAB = """
from core.config import GPTConfig
from core.model.gpt import GPT
from core.model.trace import trace
lab = GPT(GPTConfig.preset("gpt2"), torch.Generator().manual_seed(0)).eval().requires_grad_(False)
def ours():
    run = trace(lab, ids)
    return run.logits, [run.pattern(layer) for layer in range(12)]
"""
SPEED = (
    START
    + PEER
    + LAB
    + """
lab.load_state_dict({
    name: (w.t() if name.endswith("weight") and ".c_" in name else w).contiguous()
    for name, w in ((n.removeprefix("transformer."), w) for n, w in peer.state_dict().items() if n != "lm_head.weight")
}, strict=True)
def seconds(fn):
    start = time.perf_counter()
    fn()
    return time.perf_counter() - start
turns = [(seconds(ours), seconds(theirs)) for _ in range(int(sys.argv[2]))]
(a, mine), (b, other) = ours(), theirs()
apart = max(float((x - y).abs().max() / y.abs().max()) for x, y in zip([a, *mine], [b, *other]))
print(json.dumps([min(t) for t in zip(*turns)] + [apart]))
"""
)
MEMORY = """
begin = from_here()
kept = {call}
print(json.dumps(highest() - begin))
"""
LONG = (
    START
    + LAB
    + """
start = time.perf_counter()
run = trace(lab, ids)
traced = time.perf_counter()
run.pattern(11, 5)
one = time.perf_counter()
looked = sum(float(run.pattern(layer, head)[-1].max()) for layer in range(12) for head in range(12))
done = time.perf_counter()
loss = run.loss()
print(json.dumps([traced - start, one - traced, done - one, highest()]))
"""
)


def measure(quick: bool = False) -> list[Result]:
    """Seconds and memory of a trace with all attention, and of looking at 1,024 tokens head by head."""
    check_idle()
    ours, theirs, apart = json.loads(child(SPEED, str(TOKENS), "3" if quick else "8"))
    results = [
        Result(
            f"attention: 124M over {TOKENS} tokens, logits and all attention",
            ours * 1000,
            theirs * 1000,
            "ms",
            ours / theirs,
            f"<= {TIME}",
            ours <= TIME * theirs,
            f"attention and logits differ by at most {apart:.1e} of their largest value",
        )
    ]
    if sys.platform == "linux":
        results += [_memory(2 if quick else 4), _long(), _first_heads(2 if quick else 6)]
    return results


def _first_heads(turns: int) -> Result:
    """From the start of the process, of which opening the screen is a part, in an empty home and without a network."""
    with tempfile.TemporaryDirectory() as root:
        taken = []
        for turn in range(turns):
            with Terminal(OPEN, folders(f"{root}/{turn}")) as terminal:
                taken.append(terminal.wait_for_text(MEASURED))
    return Result(
        "attention: the demo's heads are painted, from the start of the process",
        min(taken),
        None,
        "s",
        None,
        f"<= {HEADS:g} s",
        min(taken) <= HEADS,
        f"best of {turns}, worst {max(taken):.2f} s; all heads measured and the map of one drawn",
    )


def _memory(turns: int) -> Result:
    """The smallest of several peaks: where the allocator puts things is luck, for both."""

    def peak(setup: str, call: str) -> float:
        code = START + setup + MEMORY.format(call=call)
        return min(float(child(code, str(TOKENS))) for _ in range(turns))

    ours, theirs = peak(LAB, "ours()"), peak(PEER, "theirs()")
    return Result(
        "attention: the same, memory above the model",
        ours / 1e6,
        theirs / 1e6,
        "MB",
        ours / theirs,
        "<= 1",
        ours <= theirs,
    )


def _long() -> Result:
    traced, one, rest, peak = json.loads(child(LONG, "1024"))
    return Result(
        "attention: 124M over 1,024 tokens, 144 heads one by one, peak of the process",
        peak / 1e6,
        None,
        "MB",
        None,
        f"<= {PEAK / 1e6:,.0f} MB",
        peak <= PEAK,
        f"the pass {traced:.2f} s, one head {one * 1000:.0f} ms, all 144 {rest:.2f} s",
    )
