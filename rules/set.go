package rules

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"sort"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules/velocity"
)

// Set is a compiled rule set. It never changes and may be used by several goroutines at once.
type Set struct {
	rules  []compiled
	lists  []*List
	limits []*limitDraft
	// velocity are the definitions, in the order of the files.
	velocity []velocity.Definition
	tests    []Test
	files    []string
	hash     string

	fields      []Field
	missing     []*types.Unknown // by field
	symbols     map[string]symbol
	activations sync.Pool
}

type compiled struct {
	Rule
	text    string // the condition, normalised
	program cel.Program
}

// symbol is what a name in a condition stands for.
type symbol struct {
	kind  symbolKind
	index int     // of the field, the list or the velocity definition
	value ref.Val // of a constant; of a velocity answer where it is missing
}

type symbolKind uint8

const (
	symbolText symbolKind = iota
	symbolNumber
	symbolAmount
	symbolMetadata
	symbolVelocity
	symbolList
	symbolConstant
)

// declare fixes what every name stands for: the fields, and the constants that conditions use.
func (s *Set) declare(constants []string) error {
	s.fields = Fields()
	s.symbols = make(map[string]symbol, len(s.fields)+len(constants))
	for i, f := range s.fields {
		s.missing = append(s.missing, missing(f.Name))
		kind := symbolText
		if f.Type == TypeNumber {
			kind = symbolNumber
		}
		switch f.Name {
		case fieldAmount:
			kind = symbolAmount
		case fieldMetadata:
			kind = symbolMetadata
		}
		s.symbols[f.Name] = symbol{kind: kind, index: i}
	}
	for i, d := range s.velocity {
		name := velocityPrefix + d.Name
		s.symbols[name] = symbol{kind: symbolVelocity, index: i, value: missing(name)}
	}
	for _, name := range constants {
		if list, ok := strings.CutPrefix(name, listPrefix); ok {
			for i, l := range s.lists {
				if l.Name == list {
					s.symbols[name] = symbol{kind: symbolList, index: i}
				}
			}
		} else if limit, ok := strings.CutPrefix(name, limitPrefix); ok {
			for _, l := range s.limits {
				if l.Name == limit {
					s.symbols[name] = symbol{kind: symbolConstant, value: l.value}
				}
			}
		} else if text, ok := strings.CutPrefix(name, durationPrefix); ok {
			d, err := parseDuration(text)
			if err != nil {
				return fmt.Errorf("rules: a checked duration does not parse: %w", err)
			}
			s.symbols[name] = symbol{kind: symbolConstant, value: &duration{int64(d / time.Second)}}
		} else {
			m, err := ledger.ParseMoney(strings.TrimPrefix(name, moneyPrefix))
			if err != nil {
				return fmt.Errorf("rules: a checked amount does not parse: %w", err)
			}
			s.symbols[name] = symbol{kind: symbolConstant, value: &money{m}}
		}
	}
	s.activations.New = func() any { return newActivation(s) }
	return nil
}

// constant tells whether a condition has the same result for every payment: it is evaluated with every field unknown.
func (s *Set) constant(p cel.Program) (value, constant bool) {
	a := newActivation(s)
	a.probing = true
	out, _, err := p.Eval(a)
	if err != nil {
		return false, false
	}
	b, ok := out.(types.Bool)
	return bool(b), ok
}

// finish computes the content hash.
func (s *Set) finish() {
	h := sha256.New()
	put(h, "weir rules", fmt.Sprint(Version))
	for _, r := range s.rules {
		if !r.Enabled {
			continue
		}
		put(h, "rule", r.Name, fmt.Sprint(r.Commands), r.text, string(r.Outcome), fmt.Sprint(r.Overridable), r.Reason,
			fmt.Sprint(r.Score), string(r.OnMissing), string(r.OnError))
	}
	lists := append([]*List(nil), s.lists...)
	sort.Slice(lists, func(i, j int) bool { return lists[i].Name < lists[j].Name })
	for _, l := range lists {
		put(h, "list", l.Name, string(l.Match))
		lines := make([]string, len(l.Entries))
		for i, e := range l.Entries {
			expires := ""
			if !e.Expires.IsZero() {
				expires = e.Expires.UTC().Format("2006-01-02T15:04:05Z")
			}
			lines[i] = e.Value + "\x00" + expires
		}
		sort.Strings(lines)
		put(h, lines...)
	}
	definitions := append([]velocity.Definition(nil), s.velocity...)
	sort.Slice(definitions, func(i, j int) bool { return definitions[i].Name < definitions[j].Name })
	for _, d := range definitions {
		put(h, canonicalDefinition(d)...)
	}
	limits := append([]*limitDraft(nil), s.limits...)
	sort.Slice(limits, func(i, j int) bool { return limits[i].Name < limits[j].Name })
	for _, l := range limits {
		put(h, append([]string{"limit", l.Name}, l.Amounts...)...)
	}
	s.hash = hex.EncodeToString(h.Sum(nil)[:16])
}

// put hashes texts, each after its length, so that no two sequences look the same.
func put(h hash.Hash, texts ...string) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(texts)))
	h.Write(n[:])
	for _, t := range texts {
		binary.BigEndian.PutUint64(n[:], uint64(len(t)))
		h.Write(n[:])
		h.Write([]byte(t))
	}
}

// Hash is the content hash of all that decides: enabled rules in their order, lists and limits, 32 hex digits. Comments,
// descriptions, owners, tags and tests do not change it.
func (s *Set) Hash() string { return s.hash }

// Rules are the rules in their order.
func (s *Set) Rules() []Rule {
	rules := make([]Rule, len(s.rules))
	for i, r := range s.rules {
		rules[i] = r.Rule
	}
	return rules
}

// Lists are the lists, in the order of the files.
func (s *Set) Lists() []*List { return s.lists }

// Files are the rule files and list files that the set was read from.
func (s *Set) Files() []string { return s.files }
