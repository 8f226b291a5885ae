/** Books whose group has begun and not ended, in the order they began: few, so a list is enough. */
export class OpenBooks {
  readonly #list: number[] = [];
  /** By book: is it in the list? */
  #isOpen: Uint8Array = new Uint8Array(64);

  get list(): readonly number[] {
    return this.#list;
  }

  has(book: number): boolean {
    return this.#isOpen[book] === 1;
  }

  add(book: number): void {
    if (this.#isOpen[book] === 1) return;
    if (book >= this.#isOpen.length) this.#grow(book);
    this.#isOpen[book] = 1;
    this.#list.push(book);
  }

  delete(book: number): void {
    if (this.#isOpen[book] !== 1) return;
    this.#isOpen[book] = 0;
    const list = this.#list;
    if (list[list.length - 1] === book) list.pop();
    else list.splice(list.indexOf(book), 1);
  }

  #grow(book: number): void {
    const grown = new Uint8Array(Math.max(book + 1, this.#isOpen.length * 2));
    grown.set(this.#isOpen);
    this.#isOpen = grown;
  }
}
