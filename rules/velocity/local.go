package velocity

import (
	"encoding/binary"
	"hash/maphash"
)

// local hashes texts by seeds that only this process has. That takes a fraction of SHA-256, and is as good while nothing that
// is hashed leaves the process: no answer depends on which hashes there are but by which are the same. Hashes of distinct
// values are no part of it: where a key has too many of them, their order decides which are told apart.
type local struct {
	command maphash.Seed
	keys    [][2]maphash.Seed // by planned.number
}

// Local makes the plan hash keys and commands in a way that only this process can, and that differs from run to run: for a
// caller that folds signals where it makes them, before the first of them.
func (p *Plan) Local() {
	p.local = &local{command: maphash.MakeSeed()}
	for range p.dimensions {
		p.local.keys = append(p.local.keys, [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()})
	}
}

// Command is the hash by which a command is known in the plan's signals.
func (p *Plan) Command(id string) uint64 {
	if p.local != nil {
		return maphash.String(p.local.command, id)
	}
	return CommandOf(p.tenant, id)
}

// key is the key of a value of a dimension.
func (p *Plan) key(d *planned, value string) (key Key) {
	if p.local == nil {
		return KeyOf(p.tenant, d.retained.Field, value)
	}
	seeds := &p.local.keys[d.number]
	binary.LittleEndian.PutUint64(key[:8], maphash.String(seeds[0], value))
	binary.LittleEndian.PutUint64(key[8:], maphash.String(seeds[1], value))
	return key
}

// Keys adds the keys of an event's values to keys.
func (p *Plan) Keys(keys []Key, field func(name string) string) []Key {
	for i := range p.dimensions {
		d := &p.dimensions[i]
		if value := field(d.retained.Field); value != "" {
			keys = append(keys, p.key(d, value))
		}
	}
	return keys
}
