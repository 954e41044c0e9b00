// A device for torch that is none: its memory is the processor's, and its operations are computed there. What it has of
// a GPU is what our workers must not get wrong beside one. It is a device of its own, whose tensors are no others'; it
// works on while the processor goes ahead (`sim::spin`), so that who does not wait for it measures nothing; and an error
// of a kernel is told later, and then for ever (`sim::fault`). Its memory can be made to keep no more what is written to
// it (`sim::decay`).
//
// After https://docs.pytorch.org/docs/stable/accelerator/index.html (how a backend outside of torch is made).
#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kDevice = c10::DeviceType::PrivateUse1;
Clock::time_point busy_until = Clock::now();
bool faulty = false;
bool decayed = false;

void wait_for_device() {
  std::this_thread::sleep_until(busy_until);
  TORCH_CHECK(!faulty, "simulated device error: an illegal memory access was encountered");
}

struct Memory final : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) override {
    void* data = nullptr;
    if (bytes && posix_memalign(&data, 256, bytes)) TORCH_CHECK(false, "simulated device out of memory");
    return {data, data, &std::free, c10::Device(kDevice, 0)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &std::free; }
  void copy_data(void* to, const void* from, size_t bytes) const override { std::memcpy(to, from, bytes); }
};
Memory memory;
REGISTER_ALLOCATOR(kDevice, &memory);

struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::Device here() const { return {kDevice, 0}; }
  c10::DeviceType type() const override { return kDevice; }
  c10::Device exchangeDevice(c10::Device) const override { return here(); }
  c10::Device getDevice() const override { return here(); }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device device) const override {
    return c10::Stream(c10::Stream::DEFAULT, device);
  }
  c10::Stream getDefaultStream(c10::Device device) const override {
    return c10::Stream(c10::Stream::DEFAULT, device);
  }
  c10::Stream exchangeStream(c10::Stream stream) const override { return stream; }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  void synchronizeDevice(const c10::DeviceIndex) const override { wait_for_device(); }
};
C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard);

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return 1; }
  void resizePrivateUse1Bytes(const c10::Storage& storage, size_t bytes) const override {
    auto fresh = memory.allocate(bytes);
    std::memcpy(fresh.get(), storage.data(), std::min(bytes, storage.nbytes()));
    storage.unsafeGetStorageImpl()->set_data_ptr_noswap(std::move(fresh));
    storage.unsafeGetStorageImpl()->set_nbytes(bytes);
  }
};
const bool hooked = [] {
  at::RegisterPrivateUse1HooksInterface(new Hooks);
  return true;
}();

at::Tensor empty(
    c10::IntArrayRef size, std::optional<c10::ScalarType> dtype, std::optional<c10::Layout>, std::optional<c10::Device>,
    std::optional<bool>, std::optional<c10::MemoryFormat> format) {
  return at::detail::empty_generic(
      size, &memory, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), c10::dtype_or_default(dtype), format);
}

at::Tensor empty_strided(
    c10::IntArrayRef size, c10::IntArrayRef stride, std::optional<c10::ScalarType> dtype, std::optional<c10::Layout>,
    std::optional<c10::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(
      size, stride, &memory, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), c10::dtype_or_default(dtype));
}

// The same memory as the processor sees it.
at::Tensor seen(const at::Tensor& one) {
  if (one.is_cpu()) return one;
  auto options = at::TensorOptions().dtype(one.dtype()).device(at::kCPU);
  return at::from_blob(one.data_ptr(), one.sizes(), one.strides(), options);
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool) {
  if (from.is_cpu() || to.is_cpu()) wait_for_device();
  auto target = seen(to);
  target.copy_(seen(from));
  if (decayed && to.is_cpu() && to.element_size() == 4 && to.numel() > 1024) *static_cast<uint8_t*>(to.data_ptr()) ^= 1;
  return to;
}

at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
  to.resize_(from.sizes());
  return copy_from(from, to, false);
}

const at::Tensor& resize(const at::Tensor& self, c10::IntArrayRef size, std::optional<c10::MemoryFormat>) {
  if (self.sizes() == size) return self;
  auto* made = self.unsafeGetTensorImpl();
  made->set_sizes_contiguous(size);
  size_t bytes = made->numel() * made->dtype().itemsize();
  if (bytes > self.storage().nbytes()) Hooks().resizePrivateUse1Bytes(self.storage(), bytes);
  return self;
}

at::Tensor& set_storage(
    at::Tensor& self, c10::Storage source, int64_t offset, c10::IntArrayRef size, c10::IntArrayRef stride) {
  self.unsafeGetTensorImpl()->set_storage_keep_dtype(source);
  self.unsafeGetTensorImpl()->set_storage_offset(offset);
  self.unsafeGetTensorImpl()->set_sizes_and_strides(size, stride);
  return self;
}

at::Tensor spin(const at::Tensor& one, int64_t microseconds) {
  busy_until = std::max(busy_until, Clock::now()) + std::chrono::microseconds(microseconds);
  return one.clone();
}

at::Tensor fault(const at::Tensor& one) {
  faulty = true;
  return at::empty_like(one);
}

void on_the_processor(const c10::OperatorHandle& op, torch::jit::Stack* stack) { at::native::cpu_fallback(op, stack); }

void decay() { decayed = true; }

}  // namespace

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("empty.memory_format", &empty);
  m.impl("empty_strided", &empty_strided);
  m.impl("_copy_from", &copy_from);
  m.impl("_copy_from_and_resize", &copy_from_and_resize);
  m.impl("as_strided", &at::native::as_strided_tensorimpl);
  m.impl("view", &at::native::view);
  m.impl("_reshape_alias", &at::native::_reshape_alias);
  m.impl("resize_", &resize);
  m.impl("set_.source_Storage_storage_offset", &set_storage);
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&on_the_processor>()); }

TORCH_LIBRARY(sim, m) {
  m.def("spin(Tensor one, int microseconds) -> Tensor");
  m.def("fault(Tensor one) -> Tensor");
  m.def("decay() -> ()", &decay);
}
TORCH_LIBRARY_IMPL(sim, PrivateUse1, m) {
  m.impl("spin", &spin);
  m.impl("fault", &fault);
}
