package screening

import (
	"cmp"
	"slices"
	"strings"

	"github.com/weirhq/weir/processors/aml/screening/lists"
	"github.com/weirhq/weir/processors/aml/screening/names"
)

// Index finds the entries that a subject may be. It does not change once it is made.
type Index struct {
	weights   names.Weights
	threshold int
	names     []indexed
	bounds    []bound // of each name
	words     []entryWord
	keys      []wordKey // by key
	starts    []int32   // of each word's names in postings; one more than there are words
	rich      []int32   // of each word's rich names, which come after the others
	postings  []int32
}

// indexed is one name of an entry.
type indexed struct {
	entry *lists.Entry
	of    lists.Name
	name  names.Name
}

// bound is what the score of a name cannot pass, where nothing but what is looked up is alike.
type bound struct {
	total    int32
	light    int32 // what those of its words weigh that are not looked up
	usual    int32 // what its common and generic words weigh
	initials int32 // how many of its words are initials
	rich     bool  // other words are much of it
}

// mostUsual is how many percent of what a rich name weighs its light and usual words are at most. Such names are not looked up by
// usual words, of which there are many, where these could not make a hit.
const mostUsual = 60

// usual tells whether many names have a word of a class.
func usual(c names.Class) bool { return c == names.Common || c == names.Generic }

// entryWord is a word that entries have, or two that may be one.
type entryWord struct {
	word   *names.Word
	weight int32
	joined bool
}

type wordKey struct {
	key  uint64
	word int32
	gist uint32 // of the word
}

// Count counts how rare the words of lists are.
func Count(all []*lists.List) names.Weights {
	c := names.NewCounter()
	var words [][]names.Word
	for _, l := range all {
		for i := range l.Entries {
			words = words[:0]
			for _, n := range l.Entries[i].Names {
				words = append(words, names.Parse(n.Text))
			}
			c.Add(words...)
		}
	}
	return c.Weights()
}

// Entries are those of all lists.
func Entries(all []*lists.List) []*lists.Entry {
	var entries []*lists.Entry
	for _, l := range all {
		for i := range l.Entries {
			entries = append(entries, &l.Entries[i])
		}
	}
	return entries
}

// NewIndex indexes entries. Subjects whose score reaches the threshold are hits.
func NewIndex(entries []*lists.Entry, weights names.Weights, threshold int) *Index {
	ix := &Index{weights: weights, threshold: threshold}
	b := builder{ix: ix, known: map[wordID]int32{}}
	for _, e := range entries {
		for _, n := range e.Names {
			b.add(e, n)
		}
	}
	b.finish()
	return ix
}

// Len is how many names are indexed.
func (ix *Index) Len() int { return len(ix.names) }

// builder gathers what an index is made of.
type builder struct {
	ix    *Index
	known map[wordID]int32
	pairs []wordName
}

type wordID struct {
	word   names.Word
	joined int // what the two words of a joined one weigh; 0 for one word
}

type wordName struct{ word, name int32 }

func (b *builder) add(e *lists.Entry, n lists.Name) {
	parsed := names.Parse(n.Text)
	if len(parsed) == 0 {
		return
	}
	words := make([]*names.Word, len(parsed))
	for i := range parsed {
		words[i] = b.ix.words[b.word(parsed[i], 0)].word
	}
	x := indexed{entry: e, of: n, name: names.NewName(words, b.ix.weights)}
	of := bound{total: int32(x.name.Total)}
	at := int32(len(b.ix.names))
	for i, w := range x.name.Words {
		switch {
		case w.Class == names.Initial:
			of.initials++
			fallthrough
		case !w.Class.Heavy():
			of.light += int32(x.name.Weights[i])
		default:
			if usual(w.Class) {
				of.usual += int32(x.name.Weights[i])
			}
			b.pairs = append(b.pairs, wordName{b.word(*w, 0), at})
		}
	}
	x.name.Joins(func(w names.Word, weight int) { b.pairs = append(b.pairs, wordName{b.word(w, weight), at}) })
	of.rich = of.initials == 0 && 100*(of.light+of.usual) <= mostUsual*of.total
	b.ix.names = append(b.ix.names, x)
	b.ix.bounds = append(b.ix.bounds, of)
}

// word is the place of a word.
func (b *builder) word(w names.Word, joined int) int32 {
	id := wordID{w, joined}
	if i, ok := b.known[id]; ok {
		return i
	}
	i := int32(len(b.ix.words))
	weight := joined
	if joined == 0 {
		weight = b.ix.weights.Of(&w)
	}
	b.ix.words = append(b.ix.words, entryWord{&w, int32(weight), joined > 0})
	b.known[id] = i
	return i
}

func (b *builder) finish() {
	ix := b.ix
	slices.SortFunc(b.pairs, func(p, q wordName) int {
		return cmp.Or(cmp.Compare(p.word, q.word), compareBool(ix.bounds[p.name].rich, ix.bounds[q.name].rich), cmp.Compare(p.name, q.name))
	})
	b.pairs = slices.Compact(b.pairs)
	ix.starts, ix.rich = make([]int32, len(ix.words)+1), make([]int32, len(ix.words))
	ix.postings = make([]int32, len(b.pairs))
	for i, p := range b.pairs {
		ix.postings[i] = p.name
		ix.starts[p.word+1]++
		if !ix.bounds[p.name].rich {
			ix.rich[p.word]++
		}
	}
	for i := range ix.words {
		ix.starts[i+1] += ix.starts[i]
		ix.rich[i] += ix.starts[i]
		if ix.starts[i+1] > ix.starts[i] {
			w := &ix.words[i]
			w.word.Keys(w.joined, func(key uint64) { ix.keys = append(ix.keys, wordKey{key, int32(i), w.word.Gist()}) })
		}
	}
	slices.SortFunc(ix.keys, func(p, q wordKey) int { return cmp.Or(cmp.Compare(p.key, q.key), cmp.Compare(p.word, q.word)) })
	ix.keys = slices.Compact(ix.keys)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// order sorts hits: the highest score first, then by list and entry.
func order(a, b Hit) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), strings.Compare(a.Entry.List, b.Entry.List), strings.Compare(a.Entry.ID, b.Entry.ID))
}
