package rules

import (
	"net/netip"
	"slices"
	"time"
)

// Edits are what was changed in editable lists since their files were written, up to a version: a brand's own edits, and
// those that are everyone's. They never change; EditLog makes them. A nil Edits is one without any.
//
// An entry is looked for in three places: the brand's edits, everyone's edits, the rule files. The first that says
// something of a value decides, be it that it was removed.
type Edits struct {
	version int64
	layers  map[layerKey]*layer
}

// layerKey names the edits of one list by one tenant; "" is everyone.
type layerKey struct {
	list   string
	match  Match
	tenant string
}

// Version is the position in risk.lists.v1 below which edits are in; 0: there are none.
func (v *Edits) Version() int64 {
	if v == nil {
		return 0
	}
	return v.version
}

// At is how the lists were at an earlier version. The log that made them must have kept everything.
func (v *Edits) At(version int64) *Edits {
	if v == nil || version == 0 {
		return nil
	}
	return &Edits{version: version, layers: v.layers}
}

// layer holds the latest edit of each value, in shards, so that a change copies a small part.
type layer struct {
	shards [shardCount]map[string]edited
	v4, v6 []int // MatchNetwork: prefix lengths that occur
	count  int   // entries in force that were added; expired ones may be among them
	values int   // that the edits name
}

const shardCount = 256

// edited is what the latest edit says of a value.
type edited struct {
	position int64       // of the record
	expires  int64       // Unix nanoseconds, never where it does not; 0: the value was removed
	record   *EditRecord // nil where the log does not keep it
	before   *edited     // what was said before, where the log keeps it
}

func shardOf(key string) uint64 { h := fnv1a(fnvOffset, key); return (h ^ h>>32) % shardCount }

// shardOfBytes is shardOf for a key in a buffer.
func shardOfBytes(key []byte) uint64 {
	h := uint64(fnvOffset)
	for _, b := range key {
		h = (h ^ uint64(b)) * fnvPrime
	}
	return (h ^ h>>32) % shardCount
}

// overlay is a list with the edits that one command sees.
type overlay struct {
	list     *List
	version  int64
	own, all *layer // nil: none
}

// over is the list with the edits that concern a tenant; ok is false where there are none.
func (v *Edits) over(l *List, tenant string) (o overlay, ok bool) {
	if v == nil || !l.Editable {
		return o, false
	}
	o = overlay{list: l, version: v.version, all: v.layers[layerKey{l.Name, l.Match, ""}]}
	if tenant != "" {
		o.own = v.layers[layerKey{l.Name, l.Match, tenant}]
	}
	return o, o.own != nil || o.all != nil
}

// says finds what counts at the overlay's version. Whether the list wants a second person does not matter here: that is
// said of each edit when it is written, and what came into force goes on counting when the list begins to want one.
func (o *overlay) says(e edited) (latest edited, ok bool) {
	for ; ; e = *e.before {
		if e.position < o.version {
			return e, true
		}
		if e.before == nil {
			return edited{}, false
		}
	}
}

// expiry is until when a value is in the list, 0 where it is not.
func (o *overlay) expiry(key string) int64 {
	shard := shardOf(key)
	for _, l := range [...]*layer{o.own, o.all} {
		if l == nil {
			continue
		}
		if e, found := l.shards[shard][key]; found {
			if latest, ok := o.says(e); ok {
				return latest.expires
			}
		}
	}
	return o.list.values[key]
}

// edited is expiry for a key in a buffer, of edits alone.
func (o *overlay) edited(key []byte) (expires int64, ok bool) {
	shard := shardOfBytes(key)
	for _, l := range [...]*layer{o.own, o.all} {
		if l == nil {
			continue
		}
		if e, found := l.shards[shard][string(key)]; found {
			if latest, ok := o.says(e); ok {
				return latest.expires, true
			}
		}
	}
	return 0, false
}

// lookUp is List.lookUp with the edits.
func (o *overlay) lookUp(value string, now int64) truth {
	switch o.list.Match {
	case MatchNetwork:
		return o.lookUpAddress(value, now)
	case MatchBINPrefix:
		for n := minBINDigits; n <= min(len(value), maxBINDigits); n++ {
			if o.expiry(value[:n]) > now {
				return yes
			}
		}
		var buffer [maxBINDigits]byte
		if o.longer(append(buffer[:0], value[:min(len(value), maxBINDigits)]...), now) {
			return absent
		}
		return no
	}
	value = o.list.Match.form(value)
	return truthOf(o.expiry(value) > now)
}

// longer tells whether an entry begins with these digits and is longer.
func (o *overlay) longer(digits []byte, now int64) bool {
	if len(digits) >= maxBINDigits || !o.mayBeLonger(digits) {
		return false
	}
	for d := byte('0'); d <= '9'; d++ {
		next := append(digits, d)
		expires, ok := o.edited(next)
		if !ok {
			expires = o.list.values[string(next)]
		}
		if expires > now || o.longer(next, now) {
			return true
		}
	}
	return false
}

// mayBeLonger tells whether there ever was an entry that begins with these digits and is longer.
func (o *overlay) mayBeLonger(digits []byte) bool {
	if _, ok := o.list.longer[string(digits)]; ok {
		return true
	}
	var buffer [maxBINDigits + 1]byte
	key := append(append(buffer[:0], digits...), longerMark)
	shard := shardOfBytes(key)
	for _, l := range [...]*layer{o.own, o.all} {
		if l == nil {
			continue
		}
		if _, ok := l.shards[shard][string(key)]; ok {
			return true
		}
	}
	return false
}

// longerMark ends the keys that say of which digits there were longer entries.
const longerMark = '*'

func (o *overlay) lookUpAddress(value string, now int64) truth {
	a, err := netip.ParseAddr(value)
	if err != nil {
		return absent
	}
	a = a.Unmap().WithZone("")
	for _, lengths := range [...][]int{o.list.lengthsFor(a), o.own.lengthsFor(a), o.all.lengthsFor(a)} {
		for _, n := range lengths {
			p, err := a.Prefix(n)
			if err != nil {
				continue
			}
			key := networkKey(p)
			expires, ok := o.edited(key[:])
			if !ok {
				expires = o.list.networks[p]
			}
			if expires > now {
				return yes
			}
		}
	}
	return no
}

func (l *layer) lengthsFor(a netip.Addr) []int {
	switch {
	case l == nil:
		return nil
	case a.Is4():
		return l.v4
	}
	return l.v6
}

// networkKey is a network as a key: its address in 16 bytes, its length, and 4 or 6.
func networkKey(p netip.Prefix) (key [18]byte) {
	address := p.Addr().As16()
	copy(key[:], address[:])
	key[16], key[17] = byte(p.Bits()), 6
	if p.Addr().Is4() {
		key[17] = 4
	}
	return key
}

// Listed is an entry that is in a list.
type Listed struct {
	Entry
	Record *EditRecord // by which it came into the list; nil: it stands in the rule files
}

// Entries are those of a list that count for a tenant at a moment, in no order; "" asks for what is everyone's. The log
// that made the edits must have kept their records.
func (v *Edits) Entries(l *List, tenant string, now time.Time) []Listed {
	var all []Listed
	seen := map[string]bool{}
	at := nanoseconds(now)
	take := func(key string, expires int64, e Listed) {
		if !seen[key] && expires > at {
			all = append(all, e)
		}
		seen[key] = true
	}
	o, _ := v.over(l, tenant)
	for _, edits := range [...]*layer{o.own, o.all} {
		if edits == nil {
			continue
		}
		for _, shard := range edits.shards {
			for key, e := range shard {
				if r, ok := o.says(e); ok && r.record != nil {
					take(key, r.expires, Listed{Entry{r.record.Value, r.record.Expires, r.record.Reason}, r.record})
				}
			}
		}
	}
	for _, e := range l.Entries {
		if key, err := editKey(l.Match, e.Value); err == nil {
			take(key, expiryOf(e.Expires), Listed{Entry: e})
		}
	}
	return all
}

// Brands are the tenants that have edits of a list of their own, in order.
func (v *Edits) Brands(l *List) (tenants []string) {
	if v == nil {
		return nil
	}
	for of := range v.layers {
		if of.list == l.Name && of.match == l.Match && of.tenant != "" {
			tenants = append(tenants, of.tenant)
		}
	}
	slices.Sort(tenants)
	return tenants
}

// Find is the entry of a list that has a value and counts for a tenant at a moment; nil where there is none.
func (v *Edits) Find(l *List, tenant, value string, now time.Time) *Listed {
	key, err := editKey(l.Match, value)
	if err != nil {
		return nil
	}
	o, _ := v.over(l, tenant)
	for _, edits := range [...]*layer{o.own, o.all} {
		if edits == nil {
			continue
		}
		e, found := edits.shards[shardOf(key)][key]
		if !found {
			continue
		}
		if r, ok := o.says(e); ok && r.record != nil {
			if r.expires <= nanoseconds(now) {
				return nil
			}
			return &Listed{Entry{r.record.Value, r.record.Expires, r.record.Reason}, r.record}
		}
	}
	for _, e := range l.Entries {
		if of, err := editKey(l.Match, e.Value); err == nil && of == key && expiryOf(e.Expires) > nanoseconds(now) {
			return &Listed{Entry: e}
		}
	}
	return nil
}
