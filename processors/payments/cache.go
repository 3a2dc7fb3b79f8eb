package payments

import "container/list"

// cache keeps the values used last, bounded by number and by bytes (0: not by bytes). It evicts only in trim, so that
// what a batch has loaded stays until the batch is written. It is not safe for concurrent use.
type cache[K comparable, V any] struct {
	entries  map[K]*list.Element
	used     *list.List // front: used last
	number   int
	maxBytes int
	bytes    int
}

type cached[K comparable, V any] struct {
	key   K
	value V
	size  int
}

func newCache[K comparable, V any](number, maxBytes int) *cache[K, V] {
	return &cache[K, V]{entries: make(map[K]*list.Element), used: list.New(), number: number, maxBytes: maxBytes}
}

func (c *cache[K, V]) get(key K) (value V, ok bool) {
	e := c.entries[key]
	if e == nil {
		return value, false
	}
	c.used.MoveToFront(e)
	return e.Value.(*cached[K, V]).value, true
}

// put adds or replaces a value of size bytes.
func (c *cache[K, V]) put(key K, value V, size int) {
	if e := c.entries[key]; e != nil {
		entry := e.Value.(*cached[K, V])
		c.bytes += size - entry.size
		entry.value, entry.size = value, size
		c.used.MoveToFront(e)
		return
	}
	c.entries[key] = c.used.PushFront(&cached[K, V]{key, value, size})
	c.bytes += size
}

// trim evicts the values used longest ago until the bounds hold, and tells of each.
func (c *cache[K, V]) trim(evicted func(K, V)) {
	for c.used.Len() > c.number || (c.maxBytes > 0 && c.bytes > c.maxBytes && c.used.Len() > 0) {
		entry := c.used.Remove(c.used.Back()).(*cached[K, V])
		delete(c.entries, entry.key)
		c.bytes -= entry.size
		if evicted != nil {
			evicted(entry.key, entry.value)
		}
	}
}
