"""ultralytics: the models of its configuration files, at their smallest."""

from __future__ import annotations

from . import Builder, Built, images
from .torchvision_models import define_operators

DETECTION = "yolov3-tiny yolov5n yolov6n yolov8n yolov8n-p2 yolov8n-ghost yolov9t yolov10n yolo11n yolo12n".split()
OTHERS = {"yolov8n-seg": "SegmentationModel", "yolo11n-seg": "SegmentationModel", "yolov8n-pose": "PoseModel", "yolo11n-pose": "PoseModel",
          "yolov8n-obb": "OBBModel", "yolo11n-obb": "OBBModel", "yolov8n-cls": "ClassificationModel", "yolo11n-cls": "ClassificationModel",
          "yolo26n": "DetectionModel", "rtdetr-resnet50": "RTDETRDetectionModel"}


def build(name: str, kind: str) -> Built:
    define_operators()
    from ultralytics.nn import tasks
    model = getattr(tasks, kind)(f"{name}.yaml", verbose=False)
    return Built(model, images(3, 64, 64))


def models() -> dict[str, Builder]:
    named = {name: "DetectionModel" for name in DETECTION} | OTHERS
    return {name: (lambda n=name, k=kind: build(n, k)) for name, kind in named.items()}
