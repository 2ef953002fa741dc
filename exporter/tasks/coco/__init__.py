"""COCO's average precision: of boxes, masks and points."""
