#!/usr/bin/env python3
"""Reads a journal of mdx, or one file of frames, as docs/journal.md describes them: python3 read_journal.py [--events] PATH
Checks both sums of every frame and their chain, applies image and events to books, and prints what the books are in the end."""
import os, re, struct, sys

KINDS = ' add modify replace reduce delete execute trade level clear status definition gap reset session venue'.split(' ')
NO_PRICE, NO_BOOK, EXACT = -2**63, 0xffffffff, 2**53 - 1
# Per feed: what ids are unique in; whether a modify or a replace of an unknown order adds; whether a modify keeps its place.
RULES = {'itch': ('channel', 0, 0, 0), 'fast': ('channel', 0, 0, 0), 'eobi': ('side', 0, 1, 0), 'dbn': ('book', 1, 0, 1)}
TABLE = list(range(256))
for _ in range(8): TABLE = [value >> 1 ^ (0x82f63b78 if value & 1 else 0) for value in TABLE]

def crc32c(data):
    total = 0xffffffff
    for byte in data: total = total >> 8 ^ TABLE[(total ^ byte) & 255]
    return total ^ 0xffffffff
def fnv(data, total=0xcbf29ce484222325):
    for byte in data: total = (total ^ byte) * 0x100000001b3 & (1 << 64) - 1
    return total

class Bad(Exception): pass
def frames(data):
    at = 0
    while data[at:].strip(b'\0'):
        if len(data) - at < 64: raise Bad('the file ends inside a frame', at)
        head = struct.unpack_from('<IIIIBBHIQQQQII', data, at)
        if head[0] != 0x4a58444d or crc32c(data[at + 8:at + 64]) != head[1]: raise Bad('no frame begins here', at)
        payload = data[at + 64:at + 64 + head[2]]
        if len(payload) < head[2]: raise Bad('the file ends inside a frame', at)
        if crc32c(payload) != head[3]: raise Bad('the payload has another sum', at)
        yield at, head, payload
        at += 64 + head[2]

def text(payload, at):
    end = at + 2 + struct.unpack_from('<H', payload, at)[0]
    return payload[at + 2:end].decode(), end
class Books:
    """Orders by key, and by book, side and price their queue: a dictionary keeps the order in which its keys came."""

    def __init__(self, feed):
        self.scope, *self.rules = RULES[feed.split('-')[0]]
        self.told, self.orders, self.queues, self.leveled = {}, {}, {}, set()

    def learn(self, payload):
        at = 0
        while at < len(payload):
            number, channel, instrument, publisher = struct.unpack_from('<IIQH', payload, at)
            symbol, end = text(payload, text(payload, at + 32)[1])
            self.told[number] = (publisher, instrument, channel, symbol)
            at = end + 7 & ~7
    def load(self, payload):
        for book, flags, oid, price, quantity, _ in struct.iter_unpack('<IIQqqQ', payload):
            kind = None if flags & 12 else 'level' if flags & 2 else 'add'
            if kind: self.apply(kind, (flags & 1) << 2, self.told[book][2], book, oid, price, quantity, 0)

    def enter(self, key, book, side, price, quantity, oid, before=None):
        if not 0 < quantity <= EXACT or abs(price) > EXACT and price != NO_PRICE: return
        self.remove(key)
        self.orders[key] = [book, side, price, quantity, oid]
        queue = self.queues.setdefault((book, side), {}).setdefault(price, {})
        queue[key] = None
        behind = [each for each in queue if each != key][list(queue).index(before):] if before in queue else []
        for each in behind: queue[each] = queue.pop(each)
    def remove(self, key):
        book, side, price, *_ = self.orders.pop(key, (None, None, None))
        if book is not None: del self.queues[book, side][price][key]
        if book is not None and not self.queues[book, side][price]: del self.queues[book, side][price]
    def clear(self, book, sides=(0, 1)):
        for side in sides:
            for key in [key for queue in self.queues.get((book, side), {}).values() for key in queue]: self.remove(key)

    def apply(self, name, flags, channel, book, oid, price, quantity, related):
        side = flags >> 2 & 1
        key, other = ((each, *{'channel': (channel,), 'book': (book,), 'side': (book, side)}[self.scope]) for each in (oid, related))
        order, before = self.orders.get(key), other if flags & 32 else None
        if name == 'add' or name == 'modify' and not order and self.rules[0]:
            self.leveled.discard(book)
            self.enter(key, book, side, price, quantity, oid, before if name == 'add' else None)
        elif name == 'replace' and (other in self.orders or self.rules[1]):
            book, side = self.orders.get(other, (book, side))[:2]
            self.remove(other)
            self.enter(key, book, side, price, quantity, oid, before)
        elif name == 'modify' and order and (side == order[1] or book == NO_BOOK):
            price = order[2] if flags & 128 else price
            if quantity == 0: self.remove(key)
            elif 0 < quantity and price == order[2] and (flags & 136 or self.rules[2] and quantity <= order[3]): order[3] = quantity
            else: self.enter(key, *order[:2], price, quantity, oid)
        elif name in ('reduce', 'execute') and order and not flags & 16:
            if name == 'execute' and flags & 128 or quantity >= order[3]: self.remove(key)
            elif quantity > 0: order[3] -= quantity
        elif name == 'delete': self.remove(key)
        elif name == 'level':
            self.leveled.add(book)
            self.remove(('level', price, book, side))
            self.enter(('level', price, book, side), book, side, price, quantity, oid & NO_BOOK)
        elif name in ('clear', 'session'):
            for each, told in self.told.items():
                if book == each or book == NO_BOOK and (told[2] == channel or name == 'clear' and self.scope != 'channel'):
                    self.clear(each, (side,) if flags & 128 else (0, 1))

    def entries(self, book):
        for side in (0, 1):
            levels = self.queues.get((book, side), {})
            for price in sorted(levels, key=lambda price: (price != NO_PRICE, price if side else -price)):
                for _, _, _, quantity, oid in map(self.orders.get, levels[price]):
                    if self.scope == 'side': oid = fnv(struct.pack('<QBQ', self.told[book][1], side + 1, oid)) or 1
                    yield struct.pack('<QqqB', oid, price, quantity, side + 1)
    def state(self, source):
        mine = [book for book, told in self.told.items() if self.scope != 'channel' or told[2] == source]
        held = sorted((self.told[book][:2], book, list(self.entries(book))) for book in mine if any(self.entries(book)))
        plain = all(key[0] == 0 and key[1] <= NO_BOOK and book not in self.leveled for key, book, _ in held)
        total = fnv(struct.pack('<IQ', 1 if plain else 2, len(held)))
        for key, book, entries in held:
            head = struct.pack('<I', key[1]) if plain else struct.pack('<HQB', *key, book in self.leveled)
            total = fnv(head + struct.pack('<Q', len(entries)) + b''.join(entries), total)
        return f'0x{total:016x}'

def main(path, shows_events):
    names = [path] if os.path.isfile(path) else [os.path.join(path, name) for name in sorted(os.listdir(path)) if re.fullmatch(r'\d{8}\.mdxj', name)]
    books, counts, last, crc, epoch, event, closed = None, dict.fromkeys(KINDS[1:], 0), None, None, None, 0, False
    for name in names:
        try:
            for at, head, payload in frames(open(name, 'rb').read()):
                kind, flags, frame, first = head[4], head[6], head[8], head[9]
                if last and (frame, head[13]) != (last + 1, crc) or kind != 1 and head[10] != epoch: raise Bad('the frame does not follow the one before', at)
                last, crc, epoch, closed = frame, head[3], head[10], kind == 9
                if kind == 1: books = Books(text(payload, text(payload, 48)[1])[0])
                elif kind == 2: books.learn(payload)
                elif kind == 3 and flags == 0: books.load(payload)
                elif kind in (3, 9) and (kind == 9 or flags == 2):
                    for source, version, said in struct.iter_unpack('<IB3xQ', payload[16:]):
                        if version and books.state(source) != f'0x{said:016x}': raise Bad('the books have another state hash', at)
                elif kind in (4, 7):
                    runs, records = struct.unpack_from('<I', payload, 24)[0], 32 + head[7] * 40
                    words, number = struct.iter_unpack('<BBHIQqqiI', payload[32:records]), first
                    for channel, _, count, base in struct.iter_unpack('<IHHQ', payload[records:]):
                        run = [next(words) for _ in range(count)]
                        for index, (what, bits, sequence, book, oid, price, quantity, *_) in enumerate(run):
                            if what == 255: continue
                            related = run[index + 1][4] if bits & 64 else 0
                            if shows_events: print(number, KINDS[what], channel, base and base + sequence, book, oid, price, quantity)
                            books.apply(KINDS[what], bits, channel, book, oid, price, quantity, related)
                            counts[KINDS[what]] += 1
                            number += 1
                    event = number - 1
        except Bad as bad: sys.exit(f'{name}: {bad.args[0]}, byte {bad.args[1]}; good up to event {event}')
    for book, (_, instrument, _, symbol) in sorted(books.told.items()): print('book', instrument, symbol or '-', sum(1 for _ in books.entries(book)))
    for source in sorted({told[2] for told in books.told.values()} if books.scope == 'channel' else {0}): print('state', source, books.state(source))
    print('events', event, *(f'{kind}={count}' for kind, count in counts.items() if count), 'whole' if closed else 'not closed')
main(sys.argv[-1], '--events' in sys.argv[1:-1])
