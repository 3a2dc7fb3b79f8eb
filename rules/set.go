package rules

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"sort"
	"sync"

	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
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

	program     *program
	applying    map[topics.CommandType][]int32 // the enabled rules for a type of command
	evaluations sync.Pool
}

type compiled struct {
	Rule
	text      string  // the condition, normalised
	condition int32   // in the program
	reads     []int32 // slots that the condition names, without repeats
}

// finish finds the rules of each type of command and computes the content hash.
func (s *Set) finish() {
	s.applying = map[topics.CommandType][]int32{}
	for i, r := range s.rules {
		for _, of := range r.Commands {
			if r.Enabled {
				s.applying[of] = append(s.applying[of], int32(i))
			}
		}
	}
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
