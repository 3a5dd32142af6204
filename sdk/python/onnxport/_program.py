"""What torch.onnx.export(dynamo=True) gives back: the exported model, to save, to look at and to run."""
from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.onnx
from torch.utils import _pytree as pytree

from onnxport._run import Core


def _flat(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[torch.Tensor]:
    return [value for value in pytree.tree_leaves((args, dict(kwargs))) if isinstance(value, torch.Tensor)]


def to_numpy(tensor: torch.Tensor) -> Any:
    tensor = tensor.detach().cpu()
    tensor = tensor.int_repr() if tensor.is_quantized else tensor.resolve_conj().resolve_neg()
    if tensor.dtype is torch.bfloat16:
        import ml_dtypes

        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return (torch.view_as_real(tensor) if tensor.is_complex() else tensor).numpy()


class ONNXProgram(getattr(torch.onnx, "ONNXProgram", object)):  # type: ignore[misc] callers ask isinstance
    """A torch.onnx.ONNXProgram, of which nothing is inherited. The ONNX file is made of the captured program when it is asked for;
    `model` is an onnx_ir.Model that may be changed, and what was changed is what `save` writes."""

    def __init__(self, captured: memoryview, options: dict[str, Any], exported_program: Any, report: dict[str, Any],
                 model_bytes: bytes | None = None, core: Core | None = None, strict: bool | None = None) -> None:
        self._core = core or Core()
        self._captured = captured
        self._options = {k: v for k, v in options.items() if k != "output"}
        self._bytes = model_bytes
        self._model: Any = None
        self._session: Any = None
        self.exported_program = exported_program
        self.report = report
        # torch.onnx.testing.assert_onnx_program asks for it.
        self._capture_strategy = {False: "TorchExportNonStrictStrategy", True: "TorchExportStrictStrategy", None: None}[strict]

    # ---- what it is ----

    def _serialized(self) -> bytes:
        if self._model is not None:
            import onnx_ir

            return onnx_ir.serde.serialize_model(self._model).SerializeToString()
        if self._bytes is None:
            self._bytes = self._core.export(self._captured, {**self._options, "weights": "inline"}).model
        return self._bytes

    @property
    def model(self) -> Any:
        """An onnx_ir.Model."""
        if self._model is None:
            import onnx
            import onnx_ir

            self._model = onnx_ir.serde.deserialize_model(onnx.load_from_string(self._serialized()))
        return self._model

    @model.setter
    def model(self, value: Any) -> None:
        self._model = value
        self._session = None

    @property
    def model_proto(self) -> Any:
        """An onnx.ModelProto."""
        import onnx

        return onnx.load_from_string(self._serialized())

    def __repr__(self) -> str:
        inputs = ", ".join(self.report["inputs"])
        outputs = ", ".join(self.report["outputs"])
        nodes = sum(self.report["nodes"].values())
        return f"ONNXProgram(opset={self.report['opset']}, nodes={nodes}, inputs=[{inputs}], outputs=[{outputs}])"

    # ---- files ----

    def save(self, destination: str | os.PathLike[str] | Any, *, include_initializers: bool = True,
             keep_initializers_as_inputs: bool = False, external_data: bool | None = None) -> None:
        """Writes the model. `external_data`: True puts weights into DESTINATION.data, False inline, None decides by size."""
        if self._model is not None:
            self._save_changed(destination, include_initializers, keep_initializers_as_inputs, external_data)
            return
        options = {**self._options, "keep_initializers_as_inputs": keep_initializers_as_inputs}
        if not include_initializers:
            options["export_params"] = False
        options["weights"] = {True: "external", False: "inline", None: "auto"}[external_data]
        if hasattr(destination, "write"):
            self._core.export(self._captured, {**options, "weights": "inline"}, sink=destination.write)
        else:
            self._core.export(self._captured, {**options, "output": os.fspath(destination)})

    def _save_changed(self, destination: Any, include: bool, keep: bool, external: bool | None) -> None:
        import onnx_ir

        graph = self._model.graph
        held, inputs = dict(graph.initializers), list(graph.inputs)
        try:
            if keep or not include:
                graph.inputs.extend(v for v in held.values() if v not in inputs)
            if not include:
                graph.initializers.clear()
            if hasattr(destination, "write"):
                destination.write(onnx_ir.serde.serialize_model(self._model).SerializeToString())
            elif external:
                onnx_ir.save(self._model, destination, external_data=f"{os.path.basename(os.fspath(destination))}.data")
            else:
                onnx_ir.save(self._model, destination)
        finally:
            graph.inputs.clear()
            graph.inputs.extend(inputs)
            graph.initializers.update(held)

    def optimize(self) -> None:
        """Nothing is left to do: the model is written optimized."""

    def apply_weights(self, state_dict: Mapping[str, torch.Tensor]) -> None:
        """Other weights for initializers of the same names."""
        import onnx_ir

        for name, tensor in state_dict.items():
            value = self.model.graph.initializers.get(name)
            if value is not None:
                value.const_value = onnx_ir.tensor(to_numpy(tensor), name=name)
        self._session = None

    def rename_axes(self, rename_mapping: Mapping[Any, str]) -> None:
        """Other names for symbolic dims, everywhere."""
        import onnx_ir

        names = {str(getattr(old, "value", old)): new for old, new in rename_mapping.items()}
        values = [*self.model.graph.inputs, *(out for node in self.model.graph.all_nodes() for out in node.outputs)]
        for value in values:
            if value.shape is None:
                continue
            value.shape = onnx_ir.Shape([names.get(str(getattr(d, "value", d)), d) for d in value.shape])

    # ---- runs ----

    def initialize_inference_session(self, initializer: Callable[[str | bytes], Any] | None = None) -> None:
        """An ONNX Runtime session for `__call__`; `initializer` is given the model's bytes."""
        if initializer is None:
            import onnxruntime

            def initializer(model: str | bytes) -> Any:
                return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        self._session = initializer(self._serialized())

    def __call__(self, *args: Any, **kwargs: Any) -> list[torch.Tensor]:
        if self._session is None:
            self.initialize_inference_session()
        names = [i.name for i in self._session.get_inputs()]
        feeds = dict(zip(names, (to_numpy(t) for t in _flat(args, kwargs))))
        return [torch.as_tensor(out) for out in self._session.run(None, feeds)]

    def call_reference(self, *args: Any, **kwargs: Any) -> list[torch.Tensor]:
        """By ONNX's reference evaluator."""
        from onnx.reference import ReferenceEvaluator

        evaluator = ReferenceEvaluator(self.model_proto)
        feeds = dict(zip(evaluator.input_names, (to_numpy(t) for t in _flat(args, kwargs))))
        return [torch.as_tensor(out) for out in evaluator.run(None, feeds)]

    def compute_values(self, value_names: Sequence[str], args: tuple[Any, ...] = (),
                       kwargs: Mapping[str, Any] | None = None) -> list[torch.Tensor]:
        """Values inside the graph, by ONNX Runtime."""
        import onnx
        import onnxruntime

        proto = onnx.shape_inference.infer_shapes(self.model_proto)
        types = {v.name: v for v in [*proto.graph.value_info, *proto.graph.output]}
        del proto.graph.output[:]
        proto.graph.output.extend(types[name] for name in value_names)
        session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
        feeds = dict(zip((i.name for i in session.get_inputs()), (to_numpy(t) for t in _flat(args, kwargs or {}))))
        return [torch.as_tensor(out) for out in session.run(None, feeds)]

    def release(self) -> None:
        """Gives the session's memory back."""
        self._session = None
