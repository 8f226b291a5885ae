/** The part of JSON Schema that routes describe their documents with. */
export type Schema =
  | {
      readonly type: 'string' | 'string?';
      readonly about?: string;
      readonly pattern?: string;
      readonly oneOf?: readonly string[];
    }
  | { readonly type: 'number' | 'number?' | 'boolean'; readonly about?: string }
  | { readonly type: 'list'; readonly of: Schema; readonly about?: string }
  /** Keys are data: every value has one form. */
  | { readonly type: 'map'; readonly of: Schema; readonly about?: string }
  | {
      readonly type: 'object' | 'object?';
      readonly of: Readonly<Record<string, Schema>>;
      /** Keys that may be left out. */
      readonly optional?: readonly string[];
      readonly about?: string;
    };

export const TEXT: Schema = { type: 'string' };
export const TEXT_OR_NULL: Schema = { type: 'string?' };
export const COUNT: Schema = { type: 'number' };
export const COUNT_OR_NULL: Schema = { type: 'number?' };
export const FLAG: Schema = { type: 'boolean' };
/** A 64-bit integer as text. */
export const INTEGER: Schema = { type: 'string', pattern: '^-?[0-9]+$' };
/** An exact decimal. */
const DECIMAL_PATTERN = '^-?[0-9]+([.][0-9]+)?$';
export const DECIMAL: Schema = { type: 'string', pattern: DECIMAL_PATTERN };
export const DECIMAL_OR_NULL: Schema = { type: 'string?', pattern: DECIMAL_PATTERN };

/** The same as JSON Schema (draft 2020-12, as OpenAPI 3.1 has it). */
export function jsonSchemaOf(schema: Schema): Record<string, unknown> {
  const about = schema.about === undefined ? {} : { description: schema.about };
  switch (schema.type) {
    case 'list':
      return { type: 'array', items: jsonSchemaOf(schema.of), ...about };
    case 'map':
      return { type: 'object', additionalProperties: jsonSchemaOf(schema.of), ...about };
    case 'object':
    case 'object?':
      return {
        type: typeOf('object', schema.type),
        properties: Object.fromEntries(
          Object.entries(schema.of).map(([name, part]) => [name, jsonSchemaOf(part)]),
        ),
        required: Object.keys(schema.of).filter((name) => schema.optional?.includes(name) !== true),
        ...about,
      };
    case 'string':
    case 'string?':
      return {
        type: typeOf('string', schema.type),
        ...(schema.pattern === undefined ? {} : { pattern: schema.pattern }),
        ...(schema.oneOf === undefined ? {} : { enum: schema.oneOf }),
        ...about,
      };
    default:
      return { type: typeOf(schema.type.replace('?', ''), schema.type), ...about };
  }
}

function typeOf(name: string, type: string): string | string[] {
  return type.endsWith('?') ? [name, 'null'] : name;
}
