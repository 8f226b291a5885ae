import { MdxError } from '../../errors.ts';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_READ, PROT_WRITE } from './constants.ts';
import { EINVAL, ENOMEM } from './errno.ts';
import { NativeMemory } from './memory.ts';

/** What differs between the processors: the only call without a wrapper in the C library. */
const BPF_CALL: Readonly<Record<string, number>> = { x64: 321, arm64: 280 };

const MMSGHDR_BYTES = 64;
const POLLFD_BYTES = 8;
const SCRATCH_BYTES = 512;
const TWO_52 = 2 ** 52;

/** Native calls as koffi makes them: pointers are numbers or bigints, results numbers. */
type NativeCall = (...values: (number | bigint | string)[]) => number;
type Koffi = typeof import('koffi');

/**
 * The system calls that receiving and sending need, one method each, and nothing else: no module but this one calls
 * native code. Every method answers as the kernel does: a result of 0 or more, or a negative error number, read
 * right behind the call. Lengths are checked here against the memory they are about (RangeError: a fault of ours).
 */
export class Syscalls {
  readonly #koffi: Koffi;
  readonly #scratch: NativeMemory;
  readonly #native: Readonly<Record<NativeName, NativeCall>>;
  readonly #bpfNumber: number;

  private constructor(koffi: Koffi) {
    const library = koffi.load(null);
    const native: Partial<Record<NativeName, NativeCall>> = {};
    for (const [name, prototype] of Object.entries(PROTOTYPES) as [NativeName, string][]) {
      native[name] = library.func(prototype);
    }
    this.#koffi = koffi;
    this.#native = native as Record<NativeName, NativeCall>;
    this.#bpfNumber = BPF_CALL[process.arch]!;
    this.#scratch = this.allocate(SCRATCH_BYTES);
  }

  /** Throws MdxError `native-missing` where this machine has no native calls that are known here. */
  static async load(): Promise<Syscalls> {
    const hint = 'The dgram backend works without native calls.';
    if (process.platform !== 'linux' || BPF_CALL[process.arch] === undefined) {
      throw new MdxError(
        'native-missing',
        `native calls: this is ${process.platform} on ${process.arch}, they need Linux on x64 or arm64`,
        { hint },
      );
    }
    try {
      return new Syscalls(await import('koffi'));
    } catch (cause) {
      const text = cause instanceof Error ? cause.message : String(cause);
      throw new MdxError('native-missing', `native calls: the package koffi does not load: ${text}`, {
        hint,
        cause,
      });
    }
  }

  /** Memory of our own, zeroed; freed when nothing refers to it any more. */
  allocate(bytes: number): NativeMemory {
    // An ArrayBuffer is never on the JavaScript heap, as the store of a small typed array may be.
    const buffer = new ArrayBuffer(Math.max(8, (bytes + 7) & ~7));
    return new NativeMemory(buffer, this.addressOf(buffer));
  }

  /** Where a buffer begins, for structures that hold its address; the caller keeps it alive. */
  addressOf(buffer: ArrayBufferLike | Uint8Array): number {
    return Number(this.#koffi.address(buffer));
  }

  socket(family: number, type: number, protocol: number): number {
    return this.#answer(this.#native.socket(family, type, protocol));
  }

  close(fd: number): number {
    return this.#answer(this.#native.close(fd));
  }

  /** @param address a sockaddr: see sockaddr.ts. */
  bind(fd: number, address: Uint8Array): number {
    return this.#answer(this.#native.bind(fd, this.#put(address), address.length));
  }

  connect(fd: number, address: Uint8Array): number {
    return this.#answer(this.#native.connect(fd, this.#put(address), address.length));
  }

  /** The local address of a socket is in `answer` afterwards. @returns its length. */
  socketName(fd: number): number {
    const { view } = this.#scratch;
    view.setUint32(SCRATCH_BYTES - 8, SCRATCH_BYTES - 8, true);
    const length = this.#scratch.pointer + BigInt(SCRATCH_BYTES - 8);
    const result = this.#answer(this.#native.getsockname(fd, this.#scratch.pointer, length));
    return result < 0 ? result : view.getUint32(SCRATCH_BYTES - 8, true);
  }

  setOption(fd: number, level: number, name: number, value: Uint8Array): number {
    return this.#answer(this.#native.setsockopt(fd, level, name, this.#put(value), value.length));
  }

  setNumber(fd: number, level: number, name: number, value: number): number {
    this.#scratch.words[0] = value;
    return this.#answer(this.#native.setsockopt(fd, level, name, this.#scratch.pointer, 4));
  }

  /** Reads an option of at most `bytes` into `answer`. @returns its length. */
  getOption(fd: number, level: number, name: number, bytes: number): number {
    if (bytes > SCRATCH_BYTES - 8) throw new RangeError(`an option of ${bytes} bytes`);
    const { view } = this.#scratch;
    this.#scratch.bytes.fill(0, 0, bytes);
    view.setUint32(SCRATCH_BYTES - 8, bytes, true);
    const length = this.#scratch.pointer + BigInt(SCRATCH_BYTES - 8);
    const result = this.#answer(this.#native.getsockopt(fd, level, name, this.#scratch.pointer, length));
    return result < 0 ? result : view.getUint32(SCRATCH_BYTES - 8, true);
  }

  /** What the last call that reads something read; valid until the next call of this object. */
  get answer(): DataView {
    return this.#scratch.view;
  }

  /** @param headers the mmsghdr array begins at `pointer`, which is in this memory. */
  recvmmsg(fd: number, headers: NativeMemory, pointer: bigint, count: number, flags: number): number {
    this.#check(headers, pointer, count * MMSGHDR_BYTES);
    return this.#answer(this.#native.recvmmsg(fd, pointer, count, flags, 0));
  }

  sendmmsg(fd: number, headers: NativeMemory, pointer: bigint, count: number, flags: number): number {
    this.#check(headers, pointer, count * MMSGHDR_BYTES);
    return this.#answer(this.#native.sendmmsg(fd, pointer, count, flags));
  }

  /** recvfrom into nothing, without waiting: wakes a driver that asked to be woken. */
  kick(fd: number, flags: number): number {
    return this.#answer(this.#native.recvfrom(fd, 0, 0, flags, 0, 0));
  }

  /** @param descriptors pollfd array: fd i32 · events u16 · revents u16. */
  poll(descriptors: NativeMemory, count: number, timeoutMs: number): number {
    this.#check(descriptors, descriptors.pointer, count * POLLFD_BYTES);
    return this.#answer(this.#native.poll(descriptors.pointer, count, timeoutMs));
  }

  /** @param argument in and out. */
  ioctl(fd: number, request: number, argument: NativeMemory): number {
    return this.#answer(this.#native.ioctl(fd, request, argument.pointer));
  }

  /** @returns the number of an interface of this network namespace, or 0. */
  interfaceIndex(name: string): number {
    return this.#native.if_nametoindex(name);
  }

  /**
   * Maps memory shared with the kernel, or with `fd` −1 anonymous pages.
   * @returns the mapping or a negative error number. A mapping fails with all ones, not with null.
   */
  map(bytes: number, fd: number, offset: number, protection: number, flags: number): NativeMemory | number {
    if (!(bytes > 0)) return -EINVAL;
    const address = this.#native.mmap(0, bytes, protection, flags, fd, offset);
    if (!(address > 0 && address < TWO_52)) return this.#answer(-1) || -ENOMEM;
    return new NativeMemory(this.#koffi.view(address, bytes), address);
  }

  /**
   * Gives a mapping back. Its views may still be read by somebody, and unmapped memory under a view would end the
   * process: so fresh anonymous pages take its place, which releases the kernel's object and cost nothing unless touched.
   */
  release(mapping: NativeMemory): number {
    const flags = MAP_FIXED | MAP_ANONYMOUS | MAP_PRIVATE;
    const { pointer, length } = mapping;
    const address = this.#native.mmap(pointer, length, PROT_READ | PROT_WRITE, flags, -1, 0);
    return address === mapping.address ? 0 : this.#answer(-1);
  }

  /** @param attributes union bpf_attr, `bytes` of it. */
  bpf(command: number, attributes: NativeMemory, bytes: number): number {
    this.#check(attributes, attributes.pointer, bytes);
    return this.#answer(this.#native.syscall(this.#bpfNumber, command, attributes.pointer, bytes, 0, 0, 0));
  }

  /** Processors that the calling thread may run on: a bit mask, least first. */
  setAffinity(mask: Uint8Array): number {
    return this.#answer(this.#native.sched_setaffinity(0, mask.length, this.#put(mask)));
  }

  /** Scheduling of the calling thread. @param policy 0 = ordinary, 1 = SCHED_FIFO. */
  setScheduler(policy: number, priority: number): number {
    this.#scratch.words[0] = priority;
    return this.#answer(this.#native.sched_setscheduler(0, policy, this.#scratch.pointer));
  }

  /** Gives the calling thread namespaces of its own, which end with the last thread in them. @param flags CLONE_NEW*. */
  unshare(flags: number): number {
    return this.#answer(this.#native.unshare(flags));
  }

  /** Keeps all memory of the process in RAM. @param flags 1 = what there is, 2 = what will come. */
  lockMemory(flags: number): number {
    return this.#answer(this.#native.mlockall(flags));
  }

  unlockMemory(): number {
    return this.#answer(this.#native.munlockall());
  }

  /** State of the system clock's discipline; struct timex is in `answer` afterwards. @returns its state, 5 = not synchronised. */
  clockState(): number {
    this.#scratch.bytes.fill(0, 0, TIMEX_BYTES);
    return this.#answer(this.#native.adjtimex(this.#scratch.pointer));
  }

  /** Reads a clock as struct timespec into `answer`. @param clock 0 = CLOCK_REALTIME, 1 = CLOCK_MONOTONIC. */
  clockTime(clock: number): number {
    return this.#answer(this.#native.clock_gettime(clock, this.#scratch.pointer));
  }

  #answer(result: number): number {
    return result < 0 ? -this.#koffi.errno() : result;
  }

  /** Puts bytes where calls that read a small structure find it. */
  #put(value: Uint8Array): bigint {
    if (value.length > SCRATCH_BYTES) throw new RangeError(`a structure of ${value.length} bytes`);
    this.#scratch.bytes.set(value);
    return this.#scratch.pointer;
  }

  #check(memory: NativeMemory, pointer: bigint, bytes: number): void {
    const at = pointer === memory.pointer ? 0 : Number(pointer - memory.pointer);
    if (at < 0 || bytes < 0 || at + bytes > memory.length) {
      throw new RangeError(`${bytes} bytes at ${at} of ${memory.length}`);
    }
  }
}

const TIMEX_BYTES = 208;

const PROTOTYPES = {
  socket: 'int socket(int, int, int)',
  close: 'int close(int)',
  bind: 'int bind(int, uintptr_t, uint32_t)',
  connect: 'int connect(int, uintptr_t, uint32_t)',
  getsockname: 'int getsockname(int, uintptr_t, uintptr_t)',
  setsockopt: 'int setsockopt(int, int, int, uintptr_t, uint32_t)',
  getsockopt: 'int getsockopt(int, int, int, uintptr_t, uintptr_t)',
  recvmmsg: 'int recvmmsg(int, uintptr_t, uint32_t, int, uintptr_t)',
  sendmmsg: 'int sendmmsg(int, uintptr_t, uint32_t, int)',
  recvfrom: 'int64_t recvfrom(int, uintptr_t, size_t, int, uintptr_t, uintptr_t)',
  poll: 'int poll(uintptr_t, unsigned long, int)',
  ioctl: 'int ioctl(int, unsigned long, uintptr_t)',
  if_nametoindex: 'uint32_t if_nametoindex(str)',
  mmap: 'uintptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)',
  syscall: 'int64_t syscall(int64_t, int64_t, uintptr_t, int64_t, int64_t, int64_t, int64_t)',
  sched_setaffinity: 'int sched_setaffinity(int, size_t, uintptr_t)',
  sched_setscheduler: 'int sched_setscheduler(int, int, uintptr_t)',
  unshare: 'int unshare(int)',
  mlockall: 'int mlockall(int)',
  munlockall: 'int munlockall()',
  adjtimex: 'int adjtimex(uintptr_t)',
  clock_gettime: 'int clock_gettime(int, uintptr_t)',
} as const;

type NativeName = keyof typeof PROTOTYPES;
