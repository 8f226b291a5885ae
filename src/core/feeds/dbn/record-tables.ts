import { HEADER_BYTES, RECORD_KINDS, VERSION_MAX } from './layout.ts';

/**
 * The fields of every record of versions 1 to 3, in the order of their bytes. A field is `name:type`, packed behind
 * the one before it; `@n` is its place in the text forms, where that is another (see `textOrder`).
 *
 *     price     i64, unit 1e-9, undefined 2^63 − 1      char      one character
 *     time      u64, ns since 1970, undefined 2^64 − 1  text[n]   ASCII, padded with NUL, at least one
 *     level     prices, sizes and order counts of one level of a book, 32 bytes
 *     c-level   the same with the publishers of the best prices in place of the counts
 *     pad[n]    reserved, zero
 */
const TABLES: Readonly<Record<string, string>> = {
  mbo: `order_id:u64 price:price@4 size:u32@5 flags:u8 channel_id:u8@6 action:char@2 side:char@3
    ts_recv:time@0 ts_in_delta:i32 sequence:u32`,

  trades: `price:price size:u32 action:char@2 side:char@3 flags:u8 depth:u8@4
    ts_recv:time@0 ts_in_delta:i32 sequence:u32`,

  'mbp-1': `price:price size:u32 action:char@2 side:char@3 flags:u8 depth:u8@4
    ts_recv:time@0 ts_in_delta:i32 sequence:u32 levels:level[1]`,

  'mbp-10': `price:price size:u32 action:char@2 side:char@3 flags:u8 depth:u8@4
    ts_recv:time@0 ts_in_delta:i32 sequence:u32 levels:level[10]`,

  bbo: `price:price size:u32 -:pad[1] side:char@2 flags:u8 -:pad[1]
    ts_recv:time@0 -:pad[4] sequence:u32 levels:level[1]`,

  'cmbp-1': `price:price size:u32 action:char@2 side:char@3 flags:u8 -:pad[1]
    ts_recv:time@0 ts_in_delta:i32 -:pad[4] levels:c-level[1]`,

  cbbo: `price:price size:u32 -:pad[1] side:char@2 flags:u8 -:pad[1]
    ts_recv:time@0 -:pad[8] levels:c-level[1]`,

  ohlcv: 'open:price high:price low:price close:price volume:u64',

  status: `ts_recv:time@0 action:u16 reason:u16 trading_event:u16
    is_trading:char is_quoting:char is_short_sell_restricted:char -:pad[7]`,

  imbalance: `ts_recv:time@0 ref_price:price auction_time:time
    cont_book_clr_price:price auct_interest_clr_price:price ssr_filling_price:price ind_match_price:price
    upper_collar:price lower_collar:price
    paired_qty:u32 total_imbalance_qty:u32 market_imbalance_qty:u32 unpaired_qty:u32
    auction_type:char side:char auction_status:u8 freeze_status:u8 num_extensions:u8
    unpaired_side:char significant_imbalance:char -:pad[1]`,

  'statistics 1': `ts_recv:time@0 ts_ref:time price:price quantity:i32 sequence:u32 ts_in_delta:i32
    stat_type:u16 channel_id:u16 update_action:u8 stat_flags:u8 -:pad[6]`,

  'statistics 3': `ts_recv:time@0 ts_ref:time price:price quantity:i64 sequence:u32 ts_in_delta:i32
    stat_type:u16 channel_id:u16 update_action:u8 stat_flags:u8 -:pad[18]`,

  'definition 1': `ts_recv:time@0 min_price_increment:price display_factor:price
    expiration:time activation:time high_limit_price:price low_limit_price:price max_price_variation:price
    trading_reference_price:price unit_of_measure_qty:price min_price_increment_amount:price price_ratio:price
    inst_attrib_value:i32 underlying_id:u32 raw_instrument_id:u32 market_depth_implied:i32 market_depth:i32
    market_segment_id:u32 max_trade_vol:u32 min_lot_size:i32 min_lot_size_block:i32 min_lot_size_round_lot:i32
    min_trade_vol:u32 -:pad[4] contract_multiplier:i32 decay_quantity:i32 original_contract_size:i32 -:pad[4]
    trading_reference_date:u16 appl_id:i16 maturity_year:u16 decay_start_date:u16 channel_id:u16
    currency:text[4] settl_currency:text[4] secsubtype:text[6] raw_symbol:text[22]@2 group:text[21]
    exchange:text[5] asset:text[7] cfi:text[7] security_type:text[7] unit_of_measure:text[31]
    underlying:text[21] strike_price_currency:text[4] instrument_class:char@4 -:pad[2] strike_price:price -:pad[6]
    match_algorithm:char md_security_trading_status:u8 main_fraction:u8 price_display_format:u8
    settl_price_type:u8 sub_fraction:u8 underlying_product:u8 security_update_action:char@3
    maturity_month:u8 maturity_day:u8 maturity_week:u8 user_defined_instrument:char
    contract_multiplier_unit:i8 flow_schedule_type:i8 tick_rule:u8 -:pad[3]`,

  'definition 2': `ts_recv:time@0 min_price_increment:price display_factor:price
    expiration:time activation:time high_limit_price:price low_limit_price:price max_price_variation:price
    trading_reference_price:price unit_of_measure_qty:price min_price_increment_amount:price price_ratio:price
    strike_price:price@46 inst_attrib_value:i32 underlying_id:u32 raw_instrument_id:u32
    market_depth_implied:i32 market_depth:i32 market_segment_id:u32 max_trade_vol:u32 min_lot_size:i32
    min_lot_size_block:i32 min_lot_size_round_lot:i32 min_trade_vol:u32 contract_multiplier:i32
    decay_quantity:i32 original_contract_size:i32 trading_reference_date:u16 appl_id:i16 maturity_year:u16
    decay_start_date:u16 channel_id:u16
    currency:text[4] settl_currency:text[4] secsubtype:text[6] raw_symbol:text[71]@2 group:text[21]
    exchange:text[5] asset:text[7] cfi:text[7] security_type:text[7] unit_of_measure:text[31]
    underlying:text[21] strike_price_currency:text[4] instrument_class:char@4 match_algorithm:char
    md_security_trading_status:u8 main_fraction:u8 price_display_format:u8 settl_price_type:u8 sub_fraction:u8
    underlying_product:u8 security_update_action:char@3 maturity_month:u8 maturity_day:u8 maturity_week:u8
    user_defined_instrument:char contract_multiplier_unit:i8 flow_schedule_type:i8 tick_rule:u8 -:pad[10]`,

  'definition 3': `ts_recv:time@0 min_price_increment:price display_factor:price
    expiration:time activation:time high_limit_price:price low_limit_price:price max_price_variation:price
    unit_of_measure_qty:price min_price_increment_amount:price price_ratio:price strike_price:price@54
    raw_instrument_id:u64@20 leg_price:price@165 leg_delta:price@166 inst_attrib_value:i32 underlying_id:u32
    market_depth_implied:i32 market_depth:i32 market_segment_id:u32 max_trade_vol:u32 min_lot_size:i32
    min_lot_size_block:i32 min_lot_size_round_lot:i32 min_trade_vol:u32 contract_multiplier:i32
    decay_quantity:i32 original_contract_size:i32 leg_instrument_id:u32@160 leg_ratio_price_numerator:i32@167
    leg_ratio_price_denominator:i32@168 leg_ratio_qty_numerator:i32@169 leg_ratio_qty_denominator:i32@170
    leg_underlying_id:u32@171 appl_id:i16 maturity_year:u16 decay_start_date:u16 channel_id:u16
    leg_count:u16@158 leg_index:u16@159
    currency:text[4] settl_currency:text[4] secsubtype:text[6] raw_symbol:text[71]@2 group:text[21]
    exchange:text[5] asset:text[11] cfi:text[7] security_type:text[7] unit_of_measure:text[31]
    underlying:text[21] strike_price_currency:text[4] leg_raw_symbol:text[71]@161 instrument_class:char@4
    match_algorithm:char main_fraction:u8 price_display_format:u8 sub_fraction:u8 underlying_product:u8
    security_update_action:char@3 maturity_month:u8 maturity_day:u8 maturity_week:u8
    user_defined_instrument:char contract_multiplier_unit:i8 flow_schedule_type:i8 tick_rule:u8
    leg_instrument_class:char@163 leg_side:char@164 -:pad[17]`,

  'error 1': 'err:text[64]',
  'error 2': 'err:text[302] code:u8 is_last:u8',

  'symbol-mapping 1': `stype_in_symbol:text[22] stype_out_symbol:text[22] -:pad[4] start_ts:time end_ts:time`,
  'symbol-mapping 2': `stype_in:u8 stype_in_symbol:text[71] stype_out:u8 stype_out_symbol:text[71]
    start_ts:time end_ts:time`,

  'system 1': 'msg:text[64]',
  'system 2': 'msg:text[303] code:u8',
};

/** Records that share the table of another name. */
const SAME_TABLE: Readonly<Record<string, string>> = {
  tcbbo: 'cmbp-1',
  'bbo-1s': 'bbo',
  'bbo-1m': 'bbo',
  'cbbo-1s': 'cbbo',
  'cbbo-1m': 'cbbo',
  'ohlcv-1s': 'ohlcv',
  'ohlcv-1m': 'ohlcv',
  'ohlcv-1h': 'ohlcv',
  'ohlcv-1d': 'ohlcv',
  'ohlcv-eod': 'ohlcv',
};

const HEADER = 'length_words:u8 rtype:u8 publisher_id:u16 instrument_id:u32 ts_event:time';
const LEVEL = 'bid_px:price ask_px:price bid_sz:u32 ask_sz:u32 bid_ct:u32 ask_ct:u32';
const C_LEVEL = 'bid_px:price ask_px:price bid_sz:u32 ask_sz:u32 bid_pb:u16 -:pad[2] ask_pb:u16 -:pad[2]';

export type ScalarType =
  | 'u8'
  | 'i8'
  | 'u16'
  | 'i16'
  | 'u32'
  | 'i32'
  | 'u64'
  | 'i64'
  | 'price'
  | 'time'
  | 'char'
  | 'text'
  | 'pad';

const BYTES: Readonly<Record<ScalarType, number>> = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  u64: 8,
  i64: 8,
  price: 8,
  time: 8,
  char: 1,
  text: 1,
  pad: 1,
};

/** A value at a place: `offset` counts from the beginning of the record, or of the level. */
export interface ScalarField {
  readonly name: string;
  readonly type: ScalarType;
  readonly offset: number;
  readonly bytes: number;
  /** Place in the text forms, null = in the order of the bytes. */
  readonly place: number | null;
}

/** Levels of a book, one behind the other. */
export interface LevelsField {
  readonly name: string;
  readonly type: 'levels';
  readonly offset: number;
  readonly bytes: number;
  readonly place: null;
  readonly count: number;
  readonly each: readonly ScalarField[];
}

export type RecordField = ScalarField | LevelsField;

/** The layout of one record in one version; `fields` without the header. */
export interface RecordTable {
  readonly name: string;
  readonly bytes: number;
  readonly fields: readonly RecordField[];
}

export const HEADER_FIELDS: readonly ScalarField[] = scalars(HEADER, 0);
const LEVEL_FIELDS: readonly ScalarField[] = scalars(LEVEL, 0);
const C_LEVEL_FIELDS: readonly ScalarField[] = scalars(C_LEVEL, 0);

/** Tables by rtype, one for each version. */
const BY_RTYPE: readonly (readonly RecordTable[] | undefined)[] = Array.from({ length: 256 }, (_, rtype) => {
  const kind = RECORD_KINDS.find((known) => known.rtype === rtype);
  if (kind === undefined) return undefined;
  const name = SAME_TABLE[kind.name] ?? kind.name;
  return Array.from({ length: VERSION_MAX }, (_unused, before) => tableOf(kind.name, name, before + 1));
});

/** Layout of a record, or null where versions up to 3 have none of this rtype. */
export function recordTable(rtype: number, version: number): RecordTable | null {
  return BY_RTYPE[rtype]?.[version - 1] ?? null;
}

/** The table of a name that fits a version: the one of its own, or of the nearest version before it. */
function tableOf(name: string, tableName: string, version: number): RecordTable {
  let text = TABLES[tableName];
  for (let at = version; text === undefined && at > 0; at -= 1) text = TABLES[`${tableName} ${at}`];
  const fields = parse(text ?? '', HEADER_BYTES);
  const last = fields.at(-1);
  return { name, bytes: last === undefined ? HEADER_BYTES : last.offset + last.bytes, fields };
}

function scalars(text: string, start: number): ScalarField[] {
  return parse(text, start).filter((field): field is ScalarField => field.type !== 'levels');
}

function parse(text: string, start: number): RecordField[] {
  const fields: RecordField[] = [];
  let offset = start;
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const [, name, type, count, place] = /^([-\w]+):([-\w]+?)(?:\[(\d+)\])?(?:@(\d+))?$/.exec(word)!;
    if (type === 'level' || type === 'c-level') {
      const levels = Number(count);
      const each = type === 'level' ? LEVEL_FIELDS : C_LEVEL_FIELDS;
      fields.push({ name, type: 'levels', offset, bytes: levels * 32, place: null, count: levels, each });
    } else {
      const scalar = type as ScalarType;
      const bytes = BYTES[scalar] * Number(count ?? 1);
      fields.push({ name, type: scalar, offset, bytes, place: place === undefined ? null : Number(place) });
    }
    offset += fields.at(-1)!.bytes;
  }
  return fields;
}
