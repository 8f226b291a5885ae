import { formatScaledBig, formatTimeIso } from '../../event/format-text.ts';
import type { DescribedMessage, MessageDescriber, MessageFields, MessageValue } from '../message-sink.ts';
import { describeMessage, type FieldValues } from './fields.ts';
import { type Field, layoutOf, PRICE_SCALE, type Release } from './layout.ts';

/** Messages by the names of the specification: their TemplateID and all their fields; "no value" is null. */
export class EobiDescriber implements MessageDescriber {
  readonly #release: Release;

  constructor(release: Release) {
    this.#release = release;
  }

  describe(bytes: Uint8Array, offset: number, length: number, pretty: boolean): DescribedMessage | null {
    const message = describeMessage(bytes.subarray(0, offset + length), offset, this.#release);
    if (message === null) return null;
    const layout = layoutOf(this.#release, message.templateId);
    const fields: Record<string, MessageValue> = this.#values(message.fields, layout.fields, pretty);
    const { group } = layout;
    if (group !== null) {
      fields[group.name] = message.entries.map((entry) => this.#values(entry, group.fields, pretty));
    }
    // As many entries as there are, so many columns a table has.
    const schema = group === null ? message.name : `${message.name} of ${message.entries.length} entries`;
    return { schema, fields };
  }

  #values(
    values: FieldValues,
    fields: readonly Field[],
    pretty: boolean,
  ): MessageFields & Record<string, MessageValue> {
    const shown: Record<string, MessageValue> = {};
    for (const [name, value] of Object.entries(values)) {
      const type = fields.find((field) => field.name === name)?.type;
      const isBig = pretty && typeof value === 'bigint';
      if (isBig && type === 'px') shown[name] = formatScaledBig(value, PRICE_SCALE);
      else if (isBig && type === 'qty') shown[name] = formatScaledBig(value, this.#release.quantityScale);
      else if (isBig && type === 'ns') shown[name] = formatTimeIso(value);
      else shown[name] = value;
    }
    return shown;
  }
}
