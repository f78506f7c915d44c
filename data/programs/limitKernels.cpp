// Hides AVX-512, AMX and AVX-VNNI from a program, so that its libraries choose their kernels as on a processor with
// AVX2: preload it (LD_PRELOAD). Linux on x86-64 with CPUID faulting; elsewhere it ends the program.
//   c++ -shared -fPIC -o limitKernels.so limitKernels.cpp

#include <asm/prctl.h>
#include <cpuid.h>
#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>

namespace {
  constexpr std::uint8_t kCpuid[] = {0x0f, 0xa2};  // the instruction
  constexpr std::uint32_t bits(std::initializer_list<int> numbers) {
    std::uint32_t mask = 0;
    for (int number : numbers)
      mask |= 1u << number;
    return mask;
  }
  // of leaf 7, by Intel's Software Developer's Manual, volume 2, CPUID
  constexpr std::uint32_t kEbx = bits({16, 17, 21, 26, 27, 28, 30, 31});  // AVX-512 F, DQ, IFMA, PF, ER, CD, BW, VL
  constexpr std::uint32_t kEcx = bits({1, 6, 11, 12, 14});                // VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ
  constexpr std::uint32_t kEdx = bits({2, 3, 8, 22, 23, 24, 25});  // 4VNNIW, 4FMAPS, VP2INTERSECT, AMX, FP16, AMX

  bool allowCpuid(bool allow) {
    return syscall(SYS_arch_prctl, ARCH_SET_CPUID, allow ? 1 : 0) == 0;
  }

  void onFault(int, siginfo_t*, void* context) {
    auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    const auto* instruction = reinterpret_cast<const std::uint8_t*>(registers[REG_RIP]);
    if (instruction[0] != kCpuid[0] || instruction[1] != kCpuid[1]) {
      signal(SIGSEGV, SIG_DFL);  // another fault: it comes again, and ends the program
      return;
    }
    const auto leaf = static_cast<std::uint32_t>(registers[REG_RAX]);
    const auto subleaf = static_cast<std::uint32_t>(registers[REG_RCX]);
    std::uint32_t a = 0, b = 0, c = 0, d = 0;
    allowCpuid(true);
    __cpuid_count(leaf, subleaf, a, b, c, d);
    allowCpuid(false);
    if (leaf == 7 && subleaf == 0) {
      b &= ~kEbx;
      c &= ~kEcx;
      d &= ~kEdx;
    } else if (leaf == 7) {
      a = b = c = d = 0;  // AVX-VNNI, AVX-512 BF16 and what came after them
    }
    registers[REG_RAX] = a;
    registers[REG_RBX] = b;
    registers[REG_RCX] = c;
    registers[REG_RDX] = d;
    registers[REG_RIP] += sizeof(kCpuid);
  }

  __attribute__((constructor)) void limit() {
    struct sigaction action = {};
    action.sa_sigaction = onFault;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGSEGV, &action, nullptr);
    if (!allowCpuid(false)) {
      std::fputs("limitKernels: neither this processor nor its kernel lets a program hide instructions\n", stderr);
      std::_Exit(125);
    }
  }
}  // namespace
