"""ONNX: the LSTM, GRU and RNN nodes of a model, run one by one with weights drawn anew.

Each node is run as it stands, with all its attributes, by onnxruntime in float32; where that is not installed, by the
reference evaluator of onnx in float64, which has forward nodes only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from symlstm.adapters.examine import U32, M, N, examine_network
from symlstm.adapters.network import Adapter, Network, Place, Result
from symlstm.checking.report import NOTE, Finding, Report
from symlstm.checkpoints.read import onnx_cell
from symlstm.conventions.table import layout_of
from symlstm.errors import ExtraMissing, ValueUnusable
from symlstm.evidence.running import U
from symlstm.plugins import library

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
USUAL = {"LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh"), "RNN": ("Tanh",)}
DOUBLE, SINGLE = 11, 1
"""ONNX's numbers of float64 and float32."""


def recognises(thing: Any) -> bool:
    """Whether it is the name of an .onnx file, or a model."""
    if isinstance(thing, (str, Path)):
        return str(thing).lower().endswith(".onnx")
    return type(thing).__name__ == "ModelProto" and type(thing).__module__.startswith("onnx")


def check(thing: Any, cell: Any) -> Report:
    """One report on all recurrent nodes; a finding says which node it is about."""
    onnx = library("onnx", "onnx")
    model, name = thing, "the model"
    if isinstance(thing, (str, Path)):
        name = Path(thing).name
        if not Path(thing).is_file():
            raise ValueUnusable(f"there is no file {thing}", f"looked in {Path.cwd()}")
        try:
            model = onnx.load(str(thing))
        except Exception as error:  # google.protobuf's DecodeError and others
            raise ValueUnusable(f"{name} cannot be read: {error}", "it must be an ONNX model") from None
    nodes = [node for node in model.graph.node if node.op_type in GATES]
    if not nodes:
        raise ValueUnusable(f"{name} has no LSTM, GRU or RNN node")
    opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=14)
    reports = [examine_network(network(node, opset), cell) for node in nodes]
    findings = [replace(f, where=f.where or n.name) for n, r in zip(nodes, reports, strict=True) for f in r.findings]
    text = "the nodes were run with weights drawn anew: whether those in the file are in this order, it does not say"
    findings.append(Finding("weights_not_checked", "", "", text, "", NOTE))
    worst: dict[str, Any] = {}
    for k, report in enumerate(reports):
        worst |= {(f"{key} of {nodes[k].name or k}" if len(nodes) > 1 else key): v for key, v in report.ulps.items()}
    total = sum(r.seconds for r in reports)
    return replace(reports[0], findings=tuple(findings), ulps=worst, implementation=name, seconds=total)


def network(node: Any, opset: int) -> Network:
    """A node as a network."""
    onnx = library("onnx", "onnx")
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    direction = attributes.get("direction", b"forward").decode()
    directions = (False, True) if direction == "bidirectional" else (direction == "reverse",)
    cell = onnx_cell(node, attributes)
    given = [a.decode() for a in attributes.get("activations", [])] or list(USUAL[node.op_type] * len(directions))
    if node.op_type == "RNN" and set(given) == {"Relu"}:
        cell = "rnn_relu"
    layout = layout_of("onnx", "rnn" if cell == "rnn_relu" else cell)
    have = {"W", "R"} | {name for slot, name in ((3, "B"), (7, "P")) if len(node.input) > slot and node.input[slot]}
    places = tuple(
        Place(0, reverse, {a.name: f"{a.name}{k}" for a in layout.arrays if a.name in have})
        for k, reverse in enumerate(directions)
    )
    single = find_spec("onnxruntime") is not None and not attributes.get("layout", 0)  # it has no other layout
    run = _Run(node, attributes, len(directions), have, opset, single)
    return Network(
        f"{node.op_type} {node.name}".strip(),
        cell,
        layout,
        places,
        {"n": N, "m": M, "p": N},
        run,
        unit=U32 if single else U,
        differentiates=False,
        notes=tuple(_variants(node, attributes, given, len(directions))),
    )


def _variants(node: Any, attributes: Mapping[str, Any], given: list[str], directions: int) -> list[Finding]:
    """What the attributes make another cell."""
    found = []
    usual = list(USUAL[node.op_type] * directions)
    if given != usual and not (node.op_type == "RNN" and set(given) == {"Relu"}):
        found.append(f"activations are {', '.join(given)} in place of {', '.join(usual)}")
    if attributes.get("clip"):
        found.append(f"what goes into activations is clipped to ±{attributes['clip']:g}")
    if attributes.get("input_forget"):
        found.append("input and forget gate are coupled")
    return [
        Finding("variant", "", node.name, f"this is a variant: {text}", "an attribute of the node") for text in found
    ]


@dataclass(frozen=True)
class _Run:
    """Runs a model of that node alone: see Network.run."""

    node: Any
    attributes: Mapping[str, Any]
    directions: int
    have: set[str]
    opset: int
    single: bool

    def __call__(self, arrays: Mapping[str, Any], x: Any, states: Mapping[Any, Any], upstream: Any) -> Result:
        names = ("h", "c") if self.node.op_type == "LSTM" else ("h",)
        rows = range(self.directions)
        feeds = {name: np.stack([arrays[f"{name}{k}"] for k in rows]) for name in sorted(self.have)}
        feeds["X"] = x
        feeds |= {f"initial_{name}": np.stack([states[k, name] for k in rows]) for name in names}
        if self.attributes.get("layout", 0):
            moved = ("X", "initial_h", "initial_c")
            feeds = {name: np.swapaxes(a, 0, 1) if name in moved else a for name, a in feeds.items()}
        y, *last = self.outputs(feeds, names)
        if self.attributes.get("layout", 0):  # (batch, steps, directions, n) and (batch, directions, n)
            y, last = np.moveaxis(y, 0, 2), [np.swapaxes(a, 0, 1) for a in last]
        finals = {(k, name): a[k] for name, a in zip(names, last, strict=True) for k in rows}
        return Result(np.concatenate([y[:, k] for k in rows], axis=-1), finals)

    def outputs(self, feeds: Mapping[str, Any], names: tuple[str, ...]) -> list[Any]:
        onnx = library("onnx", "onnx")
        kind, dtype = (SINGLE, np.float32) if self.single else (DOUBLE, np.float64)
        given = {name: np.ascontiguousarray(array, dtype) for name, array in feeds.items()}
        slots = ["X", "W", "R", "B", "", "initial_h", "initial_c", "P"][: 8 if self.node.op_type == "LSTM" else 6]
        inputs = [name if name in given else "" for name in slots]
        results = ["Y", *(f"Y_{name}" for name in names)]
        kept = {name: value for name, value in self.attributes.items() if name != "hidden_size"}
        made = onnx.helper.make_node(self.node.op_type, inputs, results, hidden_size=N, **kept)
        value = onnx.helper.make_tensor_value_info
        graph = onnx.helper.make_graph(
            [made], "one", [value(n, kind, a.shape) for n, a in given.items()], [value(n, kind, None) for n in results]
        )
        opset = [onnx.helper.make_opsetid("", self.opset)]
        model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
        if self.single:
            return list(_session(model.SerializeToString()).run(None, given))
        if self.directions > 1 or self.attributes.get("direction", b"forward") != b"forward":
            raise ExtraMissing(
                "a node that runs backward needs onnxruntime, and the layout 0", "pip install 'symlstm[onnx]'"
            )
        return list(library("onnx.reference", "onnx").ReferenceEvaluator(model).run(None, given))


def _session(model: bytes) -> Any:
    runtime = library("onnxruntime", "onnx")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


ADAPTER = Adapter(recognises, check)
