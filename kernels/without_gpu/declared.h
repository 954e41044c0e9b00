// Declarations of what CUDA extensions commonly use of PyTorch's C++ interface, and nothing behind them: with these a
// candidate's kernels compile to real device code on a machine whose PyTorch was built without CUDA, and its host code
// is checked against our reading of the interface. Nothing that is compiled with this can be linked or run.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cmath>
#include <algorithm>
#include <array>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>
#include <cuda.h>
#include <cuda_runtime.h>
#include <cuda_fp16.h>
#include <cuda_bf16.h>

#define FH_BOTH __host__ __device__

namespace c10 {
struct alignas(2) Half {
  unsigned short x;
  Half() = default;
  FH_BOTH Half(float value) : x(__half_as_ushort(__float2half(value))) {}
  FH_BOTH Half(const __half& value) : x(__half_as_ushort(value)) {}
  FH_BOTH operator float() const { return __half2float(__ushort_as_half(x)); }
  FH_BOTH operator __half() const { return __ushort_as_half(x); }
};
struct alignas(2) BFloat16 {
  unsigned short x;
  BFloat16() = default;
  FH_BOTH BFloat16(float value) : x(__bfloat16_as_ushort(__float2bfloat16(value))) {}
  FH_BOTH BFloat16(const __nv_bfloat16& value) : x(__bfloat16_as_ushort(value)) {}
  FH_BOTH operator float() const { return __bfloat162float(__ushort_as_bfloat16(x)); }
  FH_BOTH operator __nv_bfloat16() const { return __ushort_as_bfloat16(x); }
};
#define FH_COMPOUND(T)                                                               \
  FH_BOTH inline T& operator+=(T& a, const T& b) { return a = T(float(a) + float(b)); } \
  FH_BOTH inline T& operator-=(T& a, const T& b) { return a = T(float(a) - float(b)); } \
  FH_BOTH inline T& operator*=(T& a, const T& b) { return a = T(float(a) * float(b)); } \
  FH_BOTH inline T& operator/=(T& a, const T& b) { return a = T(float(a) / float(b)); }
FH_COMPOUND(Half)
FH_COMPOUND(BFloat16)

enum class ScalarType : int8_t {
  Byte, Char, Short, Int, Long, Half, Float, Double, ComplexHalf, ComplexFloat, ComplexDouble, Bool, QInt8, QUInt8,
  QInt32, BFloat16, Float8_e5m2 = 23, Float8_e4m3fn = 24, Undefined = 46
};
enum class DeviceType : int8_t { CPU = 0, CUDA = 1 };
enum class MemoryFormat : int8_t { Contiguous, Preserve, ChannelsLast, ChannelsLast3d };
enum class Layout : int8_t { Strided, Sparse };
using DeviceIndex = int8_t;
constexpr DeviceType kCPU = DeviceType::CPU, kCUDA = DeviceType::CUDA;
constexpr ScalarType kByte = ScalarType::Byte, kUInt8 = ScalarType::Byte, kChar = ScalarType::Char,
                     kInt8 = ScalarType::Char, kShort = ScalarType::Short, kInt16 = ScalarType::Short,
                     kInt = ScalarType::Int, kInt32 = ScalarType::Int, kLong = ScalarType::Long,
                     kInt64 = ScalarType::Long, kHalf = ScalarType::Half, kFloat16 = ScalarType::Half,
                     kFloat = ScalarType::Float, kFloat32 = ScalarType::Float, kDouble = ScalarType::Double,
                     kFloat64 = ScalarType::Double, kBool = ScalarType::Bool, kBFloat16 = ScalarType::BFloat16,
                     kFloat8_e4m3fn = ScalarType::Float8_e4m3fn, kFloat8_e5m2 = ScalarType::Float8_e5m2;
const char* toString(ScalarType);

struct Device {
  Device(DeviceType type, int index = -1);
  Device(const std::string& name);
  DeviceType type() const;
  DeviceIndex index() const;
  bool is_cuda() const;
  bool is_cpu() const;
  bool operator==(const Device&) const;
  bool operator!=(const Device&) const;
};

template <typename T>
struct ArrayRef {
  ArrayRef();
  ArrayRef(const T&);
  ArrayRef(const T*, size_t);
  ArrayRef(const std::vector<T>&);
  ArrayRef(const std::initializer_list<T>&);
  template <size_t N> ArrayRef(const std::array<T, N>&);
  const T& operator[](size_t) const;
  size_t size() const;
  bool empty() const;
  const T* data() const;
  const T* begin() const;
  const T* end() const;
  const T& front() const;
  const T& back() const;
  std::vector<T> vec() const;
  bool operator==(const ArrayRef<T>&) const;
  bool operator!=(const ArrayRef<T>&) const;
};
using IntArrayRef = ArrayRef<int64_t>;

struct Scalar {
  Scalar(double); Scalar(float); Scalar(int); Scalar(int64_t); Scalar(bool);
  template <typename T> T to() const;
  double toDouble() const; float toFloat() const; int64_t toLong() const; int toInt() const;
};
struct caffe2TypeMeta {
  bool operator==(ScalarType) const; bool operator!=(ScalarType) const;
  size_t itemsize() const; ScalarType toScalarType() const; operator ScalarType() const;
};
struct TensorOptions {
  TensorOptions(); TensorOptions(ScalarType); TensorOptions(Device); TensorOptions(DeviceType); TensorOptions(caffe2TypeMeta);
  TensorOptions dtype(ScalarType) const; TensorOptions device(Device) const; TensorOptions device(DeviceType, int = -1) const;
  TensorOptions layout(Layout) const; TensorOptions requires_grad(bool) const; TensorOptions memory_format(MemoryFormat) const;
  TensorOptions pinned_memory(bool) const; caffe2TypeMeta dtype() const; Device device() const;
};
template <typename T> using optional = std::optional<T>;
using std::nullopt;
struct Error : std::runtime_error { using std::runtime_error::runtime_error; };
size_t elementSize(ScalarType);
}  // namespace c10

namespace at {
using namespace c10;
template <typename T> struct DefaultPtrTraits { typedef T* PtrType; };
template <typename T> struct RestrictPtrTraits { typedef T* __restrict__ PtrType; };
template <typename T, size_t N, template <typename U> class PtrTraits = DefaultPtrTraits, typename index_t = int64_t>
struct GenericPackedTensorAccessor {
  typename PtrTraits<T>::PtrType data_; index_t sizes_[N]; index_t strides_[N];
  FH_BOTH index_t size(index_t i) const { return sizes_[i]; }
  FH_BOTH index_t stride(index_t i) const { return strides_[i]; }
  FH_BOTH typename PtrTraits<T>::PtrType data() const { return data_; }
  FH_BOTH decltype(auto) operator[](index_t i) const {
    if constexpr (N == 1) {
      return (data_[i * strides_[0]]);
    } else {
      GenericPackedTensorAccessor<T, N - 1, PtrTraits, index_t> rest;
      rest.data_ = data_ + i * strides_[0];
      for (size_t k = 1; k < N; ++k) { rest.sizes_[k - 1] = sizes_[k]; rest.strides_[k - 1] = strides_[k]; }
      return rest;
    }
  }
};
template <typename T, size_t N, template <typename U> class PtrTraits = DefaultPtrTraits>
using PackedTensorAccessor32 = GenericPackedTensorAccessor<T, N, PtrTraits, int32_t>;
template <typename T, size_t N, template <typename U> class PtrTraits = DefaultPtrTraits>
using PackedTensorAccessor64 = GenericPackedTensorAccessor<T, N, PtrTraits, int64_t>;

struct Tensor {
  int64_t size(int64_t) const; int64_t stride(int64_t) const; int64_t dim() const; int64_t ndimension() const;
  int64_t numel() const; size_t nbytes() const; int64_t element_size() const; int64_t itemsize() const; int64_t storage_offset() const;
  IntArrayRef sizes() const; IntArrayRef strides() const;
  caffe2TypeMeta dtype() const; ScalarType scalar_type() const; ScalarType type() const; Device device() const;
  TensorOptions options() const; DeviceIndex get_device() const;
  bool is_cuda() const; bool is_cpu() const; bool defined() const; bool requires_grad() const; bool is_floating_point() const;
  bool is_contiguous(MemoryFormat = MemoryFormat::Contiguous) const; bool is_same(const Tensor&) const;
  void* data_ptr() const; void* mutable_data_ptr() const; const void* const_data_ptr() const;
  template <typename T> T* data_ptr() const; template <typename T> T* data() const;
  template <typename T> T* mutable_data_ptr() const; template <typename T> const T* const_data_ptr() const;
  template <typename T> T item() const; Scalar item() const;
  template <typename T, size_t N, template <typename U> class P = DefaultPtrTraits>
  PackedTensorAccessor32<T, N, P> packed_accessor32() const;
  template <typename T, size_t N, template <typename U> class P = DefaultPtrTraits>
  PackedTensorAccessor64<T, N, P> packed_accessor64() const;
  template <typename T, size_t N, template <typename U> class P = DefaultPtrTraits, typename I = int64_t>
  GenericPackedTensorAccessor<T, N, P, I> packed_accessor() const;
  Tensor contiguous(MemoryFormat = MemoryFormat::Contiguous) const; Tensor clone() const; Tensor detach() const;
  Tensor cpu() const; Tensor cuda() const; Tensor to(ScalarType, bool = false) const; Tensor to(Device, bool = false) const;
  Tensor to(Device, ScalarType) const; Tensor to(TensorOptions) const; Tensor to(caffe2TypeMeta) const; Tensor toType(ScalarType) const;
  Tensor half() const; Tensor view(IntArrayRef) const; Tensor view(ScalarType) const; Tensor reshape(IntArrayRef) const; Tensor flatten(int64_t = 0, int64_t = -1) const;
  Tensor t() const; Tensor transpose(int64_t, int64_t) const; Tensor permute(IntArrayRef) const; Tensor expand(IntArrayRef) const;
  Tensor squeeze() const; Tensor squeeze(int64_t) const; Tensor unsqueeze(int64_t) const; Tensor narrow(int64_t, int64_t, int64_t) const;
  Tensor select(int64_t, int64_t) const; Tensor slice(int64_t, int64_t = 0, int64_t = 0, int64_t = 1) const; Tensor operator[](int64_t) const;
  Tensor& zero_(); Tensor& fill_(Scalar); Tensor& copy_(const Tensor&, bool = false); Tensor& add_(const Tensor&); Tensor& mul_(const Tensor&);
  Tensor sum() const; Tensor sum(IntArrayRef, bool = false) const; Tensor mean() const; Tensor mean(IntArrayRef, bool = false) const;
  Tensor max() const; Tensor min() const; Tensor abs() const; Tensor exp() const; Tensor sqrt() const; Tensor relu() const;
  Tensor matmul(const Tensor&) const; Tensor mm(const Tensor&) const; Tensor bmm(const Tensor&) const;
  Tensor add(const Tensor&) const; Tensor sub(const Tensor&) const; Tensor mul(const Tensor&) const; Tensor div(const Tensor&) const;
};
Tensor operator+(const Tensor&, const Tensor&); Tensor operator-(const Tensor&, const Tensor&);
Tensor operator*(const Tensor&, const Tensor&); Tensor operator/(const Tensor&, const Tensor&);
Tensor operator+(const Tensor&, Scalar); Tensor operator*(const Tensor&, Scalar); Tensor operator-(const Tensor&, Scalar); Tensor operator/(const Tensor&, Scalar);

Tensor empty(IntArrayRef, TensorOptions = {}); Tensor zeros(IntArrayRef, TensorOptions = {}); Tensor ones(IntArrayRef, TensorOptions = {});
Tensor full(IntArrayRef, Scalar, TensorOptions = {}); Tensor arange(Scalar, TensorOptions = {}); Tensor randn(IntArrayRef, TensorOptions = {});
Tensor empty_like(const Tensor&, TensorOptions = {}); Tensor zeros_like(const Tensor&, TensorOptions = {}); Tensor ones_like(const Tensor&, TensorOptions = {});
Tensor full_like(const Tensor&, Scalar, TensorOptions = {}); Tensor empty_strided(IntArrayRef, IntArrayRef, TensorOptions = {});
Tensor from_blob(void*, IntArrayRef, TensorOptions = {});
Tensor matmul(const Tensor&, const Tensor&); Tensor mm(const Tensor&, const Tensor&); Tensor bmm(const Tensor&, const Tensor&);
Tensor addmm(const Tensor&, const Tensor&, const Tensor&); Tensor linear(const Tensor&, const Tensor&, const std::optional<Tensor>& = {});
Tensor relu(const Tensor&); Tensor sigmoid(const Tensor&); Tensor tanh(const Tensor&); Tensor gelu(const Tensor&); Tensor exp(const Tensor&);
Tensor softmax(const Tensor&, int64_t); Tensor sum(const Tensor&); Tensor mean(const Tensor&); Tensor cat(const std::vector<Tensor>&, int64_t = 0);
Tensor stack(const std::vector<Tensor>&, int64_t = 0);

namespace cuda {
struct CUDAStream { operator cudaStream_t() const; cudaStream_t stream() const; void synchronize() const; };
CUDAStream getCurrentCUDAStream(DeviceIndex = -1); CUDAStream getDefaultCUDAStream(DeviceIndex = -1);
CUDAStream getStreamFromPool(bool = false, DeviceIndex = -1); void setCurrentCUDAStream(CUDAStream);
cudaDeviceProp* getCurrentDeviceProperties(); cudaDeviceProp* getDeviceProperties(int64_t); int current_device(); int device_count();
struct CUDAGuard { explicit CUDAGuard(DeviceIndex); explicit CUDAGuard(Device); };
struct OptionalCUDAGuard { OptionalCUDAGuard(); explicit OptionalCUDAGuard(std::optional<Device>); };
struct CUDAStreamGuard { explicit CUDAStreamGuard(CUDAStream); };
}  // namespace cuda
std::optional<Device> device_of(const Tensor&);
template <typename T> struct OpMathType { using type = T; };
template <> struct OpMathType<c10::Half> { using type = float; };
template <> struct OpMathType<c10::BFloat16> { using type = float; };
template <typename T> using opmath_type = typename OpMathType<T>::type;
template <typename T, bool is_cuda> struct AccumulateType { using type = typename OpMathType<T>::type; };
template <typename T, bool is_cuda> using acc_type = typename AccumulateType<T, is_cuda>::type;
namespace native { using at::opmath_type; }
}  // namespace at
namespace c10 { namespace cuda { using namespace at::cuda; } }

namespace torch {
using namespace at;
struct NoGradGuard { NoGradGuard(); ~NoGradGuard(); };
namespace autograd { using variable_list = std::vector<at::Tensor>; }
namespace nn { namespace functional {} }
inline c10::TensorOptions dtype(c10::ScalarType type) { return c10::TensorOptions(type); }
c10::TensorOptions device(c10::Device);
c10::TensorOptions device(c10::DeviceType);
struct Library { template <typename... A> Library& def(A&&...); template <typename... A> Library& impl(A&&...); };
}  // namespace torch

namespace pybind11 {
struct arg {
  explicit constexpr arg(const char*) {}
  template <typename T> arg& operator=(T&&) { return *this; }
};
struct module_ { template <typename... A> module_& def(A&&...) { return *this; } const char* doc() const; };
struct object {};
struct list {}; struct dict {}; struct tuple {};
struct gil_scoped_release {};
}  // namespace pybind11
namespace py = pybind11;

namespace fh {
template <typename... A> inline void ignore(A&&...) {}
}
#define PYBIND11_MODULE(name, variable) static void fh_module_##name(pybind11::module_& variable)
#define TORCH_LIBRARY(name, variable) static void fh_library_##name(torch::Library& variable)
#define TORCH_LIBRARY_FRAGMENT(name, variable) static void fh_fragment_##name(torch::Library& variable)
#define TORCH_LIBRARY_IMPL(name, key, variable) static void fh_implements_##name##_##key(torch::Library& variable)
#ifndef TORCH_EXTENSION_NAME
#define TORCH_EXTENSION_NAME extension
#endif
#define TORCH_CHECK(condition, ...) do { if (!(condition)) { ::fh::ignore(__VA_ARGS__); throw c10::Error(#condition); } } while (0)
#define TORCH_INTERNAL_ASSERT TORCH_CHECK
#define AT_ASSERT TORCH_CHECK
#define AT_ASSERTM TORCH_CHECK
#define AT_CHECK TORCH_CHECK
#define AT_ERROR(...) do { ::fh::ignore(__VA_ARGS__); throw c10::Error("error"); } while (0)
#define TORCH_CHECK_EQ(a, b) TORCH_CHECK((a) == (b))
#define TORCH_CHECK_GE(a, b) TORCH_CHECK((a) >= (b))
#define TORCH_WARN(...) ::fh::ignore(__VA_ARGS__)
#define C10_CUDA_CHECK(call) do { if ((call) != cudaSuccess) throw c10::Error(#call); } while (0)
#define AT_CUDA_CHECK C10_CUDA_CHECK
#define C10_CUDA_KERNEL_LAUNCH_CHECK() C10_CUDA_CHECK(cudaGetLastError())
#define C10_HOST_DEVICE FH_BOTH
#define C10_DEVICE __device__
#define C10_HOST __host__
#define C10_LAUNCH_BOUNDS_1 __launch_bounds__
#define CUDA_KERNEL_LOOP(i, n) for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += blockDim.x * gridDim.x)
#define FH_CASE(TYPE, ...) { using scalar_t = TYPE; (void)sizeof(scalar_t); (__VA_ARGS__)(); }
#define AT_DISPATCH_FLOATING_TYPES(TYPE, NAME, ...) [&] { (void)(TYPE); FH_CASE(float, __VA_ARGS__) FH_CASE(double, __VA_ARGS__) }()
#define AT_DISPATCH_FLOATING_TYPES_AND_HALF(TYPE, NAME, ...) \
  [&] { (void)(TYPE); FH_CASE(float, __VA_ARGS__) FH_CASE(double, __VA_ARGS__) FH_CASE(c10::Half, __VA_ARGS__) }()
#define AT_DISPATCH_FLOATING_TYPES_AND(S1, TYPE, NAME, ...) AT_DISPATCH_FLOATING_TYPES_AND_HALF(TYPE, NAME, __VA_ARGS__)
#define AT_DISPATCH_FLOATING_TYPES_AND2(S1, S2, TYPE, NAME, ...)                                                     \
  [&] { (void)(TYPE); FH_CASE(float, __VA_ARGS__) FH_CASE(double, __VA_ARGS__) FH_CASE(c10::Half, __VA_ARGS__)     \
        FH_CASE(c10::BFloat16, __VA_ARGS__) }()
#define AT_DISPATCH_ALL_TYPES(TYPE, NAME, ...) \
  [&] { (void)(TYPE); FH_CASE(float, __VA_ARGS__) FH_CASE(double, __VA_ARGS__) FH_CASE(int, __VA_ARGS__) FH_CASE(int64_t, __VA_ARGS__) }()
#define AT_DISPATCH_INTEGRAL_TYPES(TYPE, NAME, ...) [&] { (void)(TYPE); FH_CASE(int, __VA_ARGS__) FH_CASE(int64_t, __VA_ARGS__) }()
