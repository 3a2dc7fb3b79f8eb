package rules

import (
	"fmt"
	"maps"
	"time"

	"github.com/weirhq/weir/topics"
)

// maxRemembered bounds the values of a list that one tenant's edits say something of, removed and expired ones among
// them: these say that the value is not in the list, whatever the rule files have.
const maxRemembered = 4 * MaxListEntries

// EditLog folds the records of risk.lists.v1: the same records give the same Edits in every process. One goroutine at a
// time uses it; what Edits returns may be read meanwhile.
type EditLog struct {
	edits   Edits
	owned   map[*layer]*[shardCount]bool // layers and shards that no Edits share
	waiting map[owner]*proposals
	keep    Keep
}

// Keep is what an EditLog keeps.
type Keep uint8

const (
	KeepLatest  Keep = iota // what decisions need
	KeepRecords             // and for people, of which record each entry is
	KeepAll                 // and all that was before, so that Edits.At answers
)

// EditRecord is a record of risk.lists.v1 that is, or was, in force.
type EditRecord struct {
	topics.ListEdit
	Approver string // "" where nobody had to approve
}

// NewEditLog returns an empty log.
func NewEditLog(keep Keep) *EditLog {
	return &EditLog{edits: Edits{layers: map[layerKey]*layer{}}, owned: map[*layer]*[shardCount]bool{},
		waiting: map[owner]*proposals{}, keep: keep}
}

// Edits are the lists as of the last record.
func (g *EditLog) Edits() *Edits {
	clear(g.owned)
	return &Edits{version: g.edits.version, layers: maps.Clone(g.edits.layers)}
}

// Apply takes the record at a position, written at a time. The error says why it changes nothing.
func (g *EditLog) Apply(position int64, e *topics.ListEdit, at time.Time) error {
	g.edits.version = position + 1
	switch e.Action {
	case topics.ListAdd, topics.ListRemove:
		key, err := editKey(Match(e.Match), e.Value)
		if err != nil {
			return err
		}
		if e.Value == "" || holdsCardNumber(e.Value) {
			return fmt.Errorf("an entry without a value, or with a card number for one")
		}
		if e.Propose {
			return g.propose(change{*e, key}, at)
		}
		return g.put(position, EditRecord{ListEdit: *e}, key, at)
	case topics.ListApprove, topics.ListReject:
		return g.settle(position, e, at)
	}
	return fmt.Errorf("a list is not changed by %q", e.Action)
}

func layerOf(e *topics.ListEdit) layerKey { return layerKey{e.List, Match(e.Match), e.Tenant} }

// put makes an edit the latest word on its value.
func (g *EditLog) put(position int64, e EditRecord, key string, at time.Time) error {
	next := edited{position: position}
	if g.keep >= KeepRecords {
		next.record = &e
	}
	if e.Action == topics.ListAdd {
		next.expires = expiryOf(e.Expires)
	}
	l := g.own(layerOf(&e.ListEdit))
	if next.expires > 0 {
		if err := l.room(key, at); err != nil {
			return err
		}
	}
	shard := g.shard(l, key)
	before, found := shard[key]
	if found && before.expires > nanoseconds(at) {
		l.count--
	}
	if next.expires > 0 {
		l.count++
	}
	switch {
	case !found:
		l.values++
	case g.keep == KeepAll:
		next.before = &before
	}
	shard[key] = next
	g.note(l, Match(e.Match), key)
	return nil
}

// note keeps of which form the entries are, for those that a value is compared with by its beginning.
func (g *EditLog) note(l *layer, match Match, key string) {
	switch match {
	case MatchNetwork:
		if bits := int(key[16]); key[17] == 4 {
			l.v4 = withLength(l.v4, bits)
		} else {
			l.v6 = withLength(l.v6, bits)
		}
	case MatchBINPrefix:
		for n := minBINDigits; n < len(key); n++ {
			mark := key[:n] + string(longerMark)
			g.shard(l, mark)[mark] = edited{}
		}
	}
}

// room says why a value cannot be added; nil where it can.
func (l *layer) room(key string, at time.Time) error {
	if _, found := l.shards[shardOf(key)][key]; !found && l.values >= maxRemembered {
		return fmt.Errorf("edits of the list name %d values; no more are taken", l.values)
	}
	if l.count < MaxListEntries {
		return nil
	}
	if l.count = l.inForce(nanoseconds(at)); l.count >= MaxListEntries { // some have expired, perhaps
		return fmt.Errorf("the list has %d entries that were added; no more are taken", l.count)
	}
	return nil
}

func (l *layer) inForce(at int64) int {
	n := 0
	for _, shard := range l.shards {
		for _, e := range shard {
			if e.expires > at {
				n++
			}
		}
	}
	return n
}

// own is the layer of a key, as one that no Edits share.
func (g *EditLog) own(of layerKey) *layer {
	l := g.edits.layers[of]
	if l != nil && g.owned[l] != nil {
		return l
	}
	next := &layer{}
	if l != nil {
		*next = *l
	}
	g.edits.layers[of] = next
	g.owned[next] = new([shardCount]bool)
	return next
}

// shard is the shard of a key, as one that no Edits share.
func (g *EditLog) shard(l *layer, key string) map[string]edited {
	i := shardOf(key)
	switch owned := g.owned[l]; {
	case owned[i]:
	case l.shards[i] == nil:
		l.shards[i], owned[i] = map[string]edited{}, true
	default:
		l.shards[i], owned[i] = maps.Clone(l.shards[i]), true
	}
	return l.shards[i]
}

// editKey is what an entry is kept under.
func editKey(match Match, value string) (string, error) {
	switch match {
	case MatchNetwork:
		p, err := parseNetwork(value)
		if err != nil {
			return "", err
		}
		key := networkKey(p)
		return string(key[:]), nil
	case MatchBINPrefix:
		return value, fitsBIN(value)
	case MatchIgnoreCase, MatchPhone, MatchExact:
		return match.form(value), nil
	}
	return "", fmt.Errorf("lists do not match by %q", match)
}
