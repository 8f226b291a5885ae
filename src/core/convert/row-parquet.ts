import type { RowOf } from '../pipeline/rows/rows.ts';
import type { ChunkSink } from './conversion.ts';
import type { CsvValue } from './csv.ts';
import { DecimalColumn, FlagColumn, Int32Column, Int64Column, TextColumn } from './parquet-columns.ts';
import { type Column, GROUP_ROWS, ParquetFile } from './parquet-file.ts';
import { ROW_TABLES, type RowTable, type TableColumn, type TableKind } from './row-tables.ts';

/** A column with a way to set it to what stands in a row. */
interface Setter {
  readonly column: Column;
  readonly set: (row: number, value: Exclude<CsvValue, null>) => void;
}

/** Writes rows of one kind into a Parquet file. */
export class RowParquet<K extends TableKind> {
  readonly #table: RowTable<RowOf[K]>;
  readonly #setters: readonly Setter[];
  readonly #file: ParquetFile;
  #row = 0;

  constructor(kind: K, sink: ChunkSink) {
    this.#table = ROW_TABLES[kind];
    this.#setters = this.#table.columns.map(setterOf);
    this.#file = new ParquetFile(
      this.#setters.map(({ column }) => column),
      sink,
    );
  }

  write(row: RowOf[K]): void {
    for (const line of this.#table.lines(row)) {
      for (const [index, value] of line.entries()) {
        if (value !== null) this.#setters[index]!.set(this.#row, value);
      }
      this.#row += 1;
      if (this.#row === GROUP_ROWS) this.#writeGroup();
    }
  }

  finish(): void {
    this.#writeGroup();
    this.#file.finish();
  }

  #writeGroup(): void {
    this.#file.group(this.#row);
    this.#row = 0;
  }
}

function setterOf({ name, type }: TableColumn): Setter {
  switch (type) {
    case 'text': {
      const column = new TextColumn(name);
      return { column, set: (row, value) => column.set(row, String(value)) };
    }
    case 'count': {
      const column = new Int32Column(name);
      return { column, set: (row, value) => column.set(row, Number(value)) };
    }
    case 'flag': {
      const column = new FlagColumn(name);
      return { column, set: (row, value) => column.set(row, value === true) };
    }
    case 'decimal': {
      const column = new DecimalColumn(name, 0);
      return { column, set: (row, value) => column.setText(row, String(value)) };
    }
    default: {
      const column = new Int64Column(name, type);
      return { column, set: (row, value) => column.setBig(row, BigInt(value)) };
    }
  }
}
