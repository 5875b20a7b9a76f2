"""The trained network as serving computes it: its ONNX file, read and evaluated in numpy."""
