import { BookTable } from '../book-table.ts';
import { Product } from './product.ts';

/** Most products that are told apart; the packets of others are counted and left out. */
const PRODUCTS_MAX = 65_536;

/** Products by their market segment, in order of first sight. */
export class ProductTable {
  readonly products: Product[] = [];
  /** Segment → index in `products`. */
  readonly #bySegment: BookTable = new BookTable();
  #last: Product | null = null;

  /** The product of a segment, opened on this channel at first sight; null beyond the last one. */
  at(segment: number, channel: number): Product | null {
    const last = this.#last;
    if (last !== null && last.segment === segment) return last;
    const known = this.#bySegment.find(segment, 0);
    if (known >= 0) {
      this.#last = this.products[known];
      return this.#last;
    }
    if (this.products.length === PRODUCTS_MAX) return null;
    const product = new Product(segment, channel);
    this.#bySegment.add(segment, 0, this.products.length);
    this.products.push(product);
    this.#last = product;
    return product;
  }
}
