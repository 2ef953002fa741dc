#include <stdio.h>
#include <string.h>

#include "litert_api.h"

static const char* DtypeName(int element_type) {
  switch (element_type) {
    case 1: return "float32";
    case 2: return "int32";
    case 3: return "uint8";
    case 4: return "int64";
    case 6: return "bool";
    case 7: return "int16";
    case 9: return "int8";
    case 10: return "float16";
    case 11: return "float64";
    case 13: return "uint64";
    case 16: return "uint32";
    case 17: return "uint16";
    default: return NULL;
  }
}

static bool HasOpenDimension(const TensorType* type) {
  for (int i = 0; i < (int)(type->rank_bits & 0x7F) && i < kMaxRank; ++i) {
    if (type->dimensions[i] < 0) return true;
  }
  return false;
}

static bool MakeTensor(Litert* litert, void* handle, void* requirements, const Layout* layout, Tensor* tensor,
                       char problem[kProblemSize]) {
  TensorType type;
  memset(&type, 0, sizeof type);
  if (!Worked(litert, litert->GetTensorName(handle, &tensor->name), "LiteRtGetTensorName", problem) ||
      !Worked(litert, litert->GetRankedTensorType(handle, &type), "LiteRtGetRankedTensorType", problem)) {
    return false;
  }
  if (layout != NULL) {
    type.rank_bits = layout->rank_bits & 0x7F;
    memcpy(type.dimensions, layout->dimensions, sizeof type.dimensions);
  }
  tensor->dtype = DtypeName(type.element_type);
  tensor->rank = (int)(type.rank_bits & 0x7F);
  if (tensor->dtype == NULL || tensor->rank > kMaxRank) {
    snprintf(problem, kProblemSize, "tensor %.200s has type %d and rank %d, which cannot be handled", tensor->name,
             type.element_type, tensor->rank);
    return false;
  }
  if (HasOpenDimension(&type)) {
    snprintf(problem, kProblemSize, "tensor %.200s leaves dimensions open: give --input-shape", tensor->name);
    return false;
  }
  memcpy(tensor->dimensions, type.dimensions, sizeof tensor->dimensions);
  return Worked(litert,
                litert->CreateManagedTensorBufferFromRequirements(litert->environment, &type, requirements,
                                                                  &tensor->buffer),
                "LiteRtCreateManagedTensorBufferFromRequirements", problem) &&
         Worked(litert, litert->GetTensorBufferPackedSize(tensor->buffer, &tensor->size),
                "LiteRtGetTensorBufferPackedSize", problem);
}

static bool InputIndex(Litert* litert, void* signature, size_t inputs, const char* name, size_t* index) {
  for (*index = 0; *index < inputs; ++*index) {
    void* handle = NULL;
    const char* found = NULL;
    if (litert->GetSignatureInputTensorByIndex(signature, *index, &handle) == 0 &&
        litert->GetTensorName(handle, &found) == 0 && strcmp(found, name) == 0) {
      return true;
    }
  }
  return false;
}

static bool ResizeInputs(Litert* litert, const Arguments* arguments, void* signature, size_t inputs,
                         char problem[kProblemSize]) {
  for (int i = 0; i < arguments->shape_count; ++i) {
    const InputShape* shape = &arguments->shapes[i];
    size_t index = 0;
    if (!InputIndex(litert, signature, inputs, shape->tensor, &index)) {
      snprintf(problem, kProblemSize, "--input-shape names %.200s, which is no input of the model", shape->tensor);
      return false;
    }
    Status (*resize)(void*, size_t, size_t, const int*, size_t) = litert->CompiledModelResizeInputTensorNonStrict != NULL
                                                                      ? litert->CompiledModelResizeInputTensorNonStrict
                                                                      : litert->CompiledModelResizeInputTensor;
    if (resize == NULL || litert->GetCompiledModelInputTensorLayout == NULL ||
        litert->GetCompiledModelOutputTensorLayouts == NULL) {
      snprintf(problem, kProblemSize, "this LiteRT cannot resize inputs; 2.1 can");
      return false;
    }
    if (!Worked(litert, resize(litert->compiled, litert->signature, index, shape->dimensions, (size_t)shape->rank),
                "resizing an input to --input-shape", problem)) {
      return false;
    }
  }
  return true;
}

static bool MakeInputs(Litert* litert, void* signature, size_t inputs, char problem[kProblemSize]) {
  for (; litert->input_count < inputs; ++litert->input_count) {
    const size_t i = litert->input_count;
    void *handle = NULL, *requirements = NULL;
    Layout layout;
    memset(&layout, 0, sizeof layout);
    const bool told = litert->GetCompiledModelInputTensorLayout != NULL &&
                      litert->GetCompiledModelInputTensorLayout(litert->compiled, litert->signature, i, &layout) == 0;
    if (!Worked(litert, litert->GetSignatureInputTensorByIndex(signature, i, &handle), "LiteRt input tensor", problem) ||
        !Worked(litert,
                litert->GetCompiledModelInputBufferRequirements(litert->compiled, litert->signature, i, &requirements),
                "LiteRt input buffer requirements", problem) ||
        !MakeTensor(litert, handle, requirements, told ? &layout : NULL, &litert->inputs[i], problem)) {
      return false;
    }
    litert->input_buffers[i] = litert->inputs[i].buffer;
  }
  return true;
}

static bool MakeOutputs(Litert* litert, void* signature, size_t outputs, bool resized, char problem[kProblemSize]) {
  static Layout layouts[kMaxTensors];
  const bool told = litert->GetCompiledModelOutputTensorLayouts != NULL &&
                    litert->GetCompiledModelOutputTensorLayouts(litert->compiled, litert->signature, outputs, layouts,
                                                                resized) == 0;
  for (; litert->output_count < outputs; ++litert->output_count) {
    const size_t i = litert->output_count;
    void *handle = NULL, *requirements = NULL;
    if (!Worked(litert, litert->GetSignatureOutputTensorByIndex(signature, i, &handle), "LiteRt output tensor", problem) ||
        !Worked(litert,
                litert->GetCompiledModelOutputBufferRequirements(litert->compiled, litert->signature, i, &requirements),
                "LiteRt output buffer requirements", problem) ||
        !MakeTensor(litert, handle, requirements, told ? &layouts[i] : NULL, &litert->outputs[i], problem)) {
      return false;
    }
    litert->output_buffers[i] = litert->outputs[i].buffer;
  }
  return true;
}

bool MakeTensors(Litert* litert, const Arguments* arguments, void* signature, char problem[kProblemSize]) {
  size_t inputs = 0, outputs = 0;
  if (!Worked(litert, litert->GetNumSignatureInputs(signature, &inputs), "LiteRtGetNumSignatureInputs", problem) ||
      !Worked(litert, litert->GetNumSignatureOutputs(signature, &outputs), "LiteRtGetNumSignatureOutputs", problem)) {
    return false;
  }
  if (inputs > kMaxTensors || outputs > kMaxTensors) {
    snprintf(problem, kProblemSize, "the model has %zu inputs and %zu outputs; at most %d of each can be handled", inputs,
             outputs, kMaxTensors);
    return false;
  }
  return ResizeInputs(litert, arguments, signature, inputs, problem) &&
         MakeInputs(litert, signature, inputs, problem) &&
         MakeOutputs(litert, signature, outputs, arguments->shape_count > 0, problem);
}
