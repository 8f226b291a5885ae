/** A growing input: bytes that generators append to and the mutator changes in place. Nothing is allocated per case. */
export class Scratch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  length = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  get room(): number {
    return this.bytes.length - this.length;
  }

  /** Replaces the content by as much of `input` as fits. */
  set(input: Uint8Array): void {
    this.length = 0;
    this.append(input);
  }

  append(input: Uint8Array): void {
    const part = input.length > this.room ? input.subarray(0, this.room) : input;
    this.bytes.set(part, this.length);
    this.length += part.length;
  }

  /** The content, valid until it is changed. */
  content(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }
}
