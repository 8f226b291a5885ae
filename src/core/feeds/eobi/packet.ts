/*
 * The PacketHeader, first message of every datagram, the same in every release:
 *
 *     0 BodyLen u16 = 32 · 2 TemplateID u16 · 4 MsgSeqNum u32 · 8 ApplSeqNum u32 · 12 MarketSegmentID i32
 *     16 PartitionID u8 · 17 CompletionIndicator u8 · 18 ApplSeqResetIndicator u8 · 19 not read · 24 TransactTime u64
 */
export const APPL_SEQ_NUM_OFFSET = 8;
export const SEGMENT_OFFSET = 12;
export const PARTITION_OFFSET = 16;
export const COMPLETE_OFFSET = 17;
export const RESET_OFFSET = 18;
export const TRANSACT_TIME_OFFSET = 24;
