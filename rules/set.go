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

	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// Set is a compiled rule set. It never changes and may be used by several goroutines at once.
type Set struct {
	rules  []compiled
	lists  []*List
	limits []*limitDraft
	rates  *rates // nil: there are none
	gaming gaming
	// velocity are the definitions, in the order of the files.
	velocity []velocity.Definition
	tests    []Test
	files    []string
	hash     string
	warnings Problems
	editable bool // a list is

	bounds      map[topics.Stage]*Bound // of all rules of a stage
	program     *program
	applying    map[topics.CommandType][]int32 // the enabled rules before authorisation for a type of command
	staged      map[topics.Stage][]int32       // the enabled rules of a stage
	partly      bool                           // some of them are in force for some commands alone
	evaluations sync.Pool
}

type compiled struct {
	Rule
	text      string     // the condition, normalised
	condition int32      // in the program
	reads     []int32    // slots that the condition names, without repeats
	converts  []int32    // nodes that are amounts in another currency, without repeats
	card      *scorecard // in place of the condition

	replacedBy []int // rules of the same name that take its place where they apply
	replaces   bool  // it takes another's
}

// finish finds the rules of each type of command and computes the content hash.
func (s *Set) finish() {
	s.replacements()
	s.applying, s.staged = map[topics.CommandType][]int32{}, map[topics.Stage][]int32{}
	for i, r := range s.rules {
		if !r.Enabled {
			continue
		}
		s.staged[r.Stage] = append(s.staged[r.Stage], int32(i))
		s.partly = s.partly || r.Scope.rank() > 0 || len(r.replacedBy) > 0 || r.Rollout > 0 || !r.ValidFrom.IsZero() || !r.ValidUntil.IsZero()
		for _, of := range r.Commands {
			s.applying[of] = append(s.applying[of], int32(i))
		}
	}
	h := sha256.New()
	put(h, "weir rules", fmt.Sprint(Version))
	for _, stage := range Stages() {
		what := "breaker"
		if stage != topics.StageBeforeAuthorization {
			what += " " + string(stage)
		}
		s.bounds[stage].hash(h, what)
	}
	for _, r := range s.rules {
		if !r.Enabled && !r.replaces {
			continue
		}
		put(h, "force", fmt.Sprint(r.Enabled), fmt.Sprint(r.Shadow), fmt.Sprint(r.Rollout), moment(r.ValidFrom), moment(r.ValidUntil),
			strings.Join(r.Tenants, " "), strings.Join(r.Regions, " "))
		put(h, "rule", r.Name, fmt.Sprint(r.Commands), r.text, string(r.Outcome), fmt.Sprint(r.Overridable), r.Reason,
			fmt.Sprint(r.Score), string(r.OnMissing), string(r.OnError))
		if r.Stage != topics.StageBeforeAuthorization {
			put(h, "stage", string(r.Stage))
		}
		if r.card != nil {
			put(h, r.card.canonical()...)
		}
		r.Breaker.hash(h, "rule's breaker")
	}
	lists := append([]*List(nil), s.lists...)
	sort.Slice(lists, func(i, j int) bool { return lists[i].Name < lists[j].Name })
	for _, l := range lists {
		put(h, "list", l.Name, string(l.Match))
		if l.Editable {
			put(h, "editable", fmt.Sprint(l.FourEyes))
			s.editable = true
		}
		lines := make([]string, len(l.Entries))
		for i, e := range l.Entries {
			lines[i] = e.Value + "\x00" + moment(e.Expires)
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
	if s.rates != nil {
		put(h, s.rates.canonical()...)
	}
	s.gaming.hash(h)
	s.hash = hex.EncodeToString(h.Sum(nil)[:16])
}

// moment is a time for the content hash, "" where it is not set.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
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

// Hash is the content hash of all that decides: enabled rules in their order, lists, limits and rates, 32 hex digits. Comments,
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
