/** The part of JSON Schema that the description of the API uses. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly enum?: readonly string[];
  readonly pattern?: string;
}

/** What of a document does not fit its schema, one line each; properties that no schema names do not fit either. */
export function misfits(schema: JsonSchema, value: unknown, at: string = ''): string[] {
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
  const found = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  if (!types.includes(found)) return [`${at}: ${found}, expected ${types.join(' or ')}`];
  if (found === 'array') {
    return (value as unknown[]).flatMap((each, index) => misfits(schema.items!, each, `${at}/${index}`));
  }
  if (found === 'object') return objectMisfits(schema, value as Record<string, unknown>, at);
  if (found !== 'string') return [];
  const text = value as string;
  if (schema.enum !== undefined && !schema.enum.includes(text))
    return [`${at}: ${text} is none of the values`];
  if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(text)) {
    return [`${at}: ${text} is not ${schema.pattern}`];
  }
  return [];
}

function objectMisfits(schema: JsonSchema, value: Record<string, unknown>, at: string): string[] {
  const { properties = {}, required = [], additionalProperties } = schema;
  return [
    ...required.filter((name) => !Object.hasOwn(value, name)).map((name) => `${at}/${name}: missing`),
    ...Object.entries(value).flatMap(([name, each]) => {
      const form = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
      return form === undefined ? [`${at}/${name}: not described`] : misfits(form, each, `${at}/${name}`);
    }),
  ];
}
