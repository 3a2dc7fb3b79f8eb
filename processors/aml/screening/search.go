package screening

import (
	"slices"
	"sort"
	"sync"

	"github.com/weirhq/weir/processors/aml/screening/lists"
	"github.com/weirhq/weir/processors/aml/screening/names"
)

// Search looks in an index. It is for one goroutine at a time.
type Search struct {
	ix      *Index
	of      []side   // for each name, what of it and of the subject is alike at most
	touched []int32  // names that have anything
	matches []match  // words of entries that are like one of the subject
	usual   int32    // what of the subject is like common and generic words at most
	seen    []uint32 // for each word, the turn in which it was met
	turn    uint32
}

// match is a word of entries that is like one of the subject, with likeness times weight on either side.
type match struct{ word, subject, entry int32 }

// side sums likeness times weight.
type side struct{ subject, entry int32 }

// NewSearch begins to look in an index.
func (ix *Index) NewSearch() *Search {
	return &Search{ix: ix, of: make([]side, len(ix.names)), seen: make([]uint32, len(ix.words))}
}

// mostInitial is what a word that an initial stands for adds at most: its likeness times the greatest weight.
const mostInitial = names.LikeInitial * 100

// Hits are the entries that a subject may be by one of the names, the likeliest first, each entry once: with the name that has the
// best score, the first of several. A name without letters has none.
func (s *Search) Hits(subject Subject) []Hit {
	known := subject
	hits := s.named(subject)
	for _, other := range subject.Others {
		subject.Name = other
		for _, hit := range s.named(subject) {
			i := slices.IndexFunc(hits, func(h Hit) bool { return h.Entry == hit.Entry })
			switch {
			case i < 0:
				hits = append(hits, hit)
			case hit.Score > hits[i].Score:
				hits[i] = hit
			}
		}
	}
	for i := range hits {
		hits[i].Hash = known.hash(hits[i].Entry)
	}
	slices.SortFunc(hits, order)
	return hits
}

// named are the entries that a subject may be by the first name.
func (s *Search) named(subject Subject) []Hit {
	subject.words = names.Read(subject.Name, s.ix.weights)
	q := &subject.words
	light, initials := int32(0), int32(0)
	for i, w := range q.Words {
		if w.Class.Heavy() {
			s.gather(w, int32(q.Weights[i]), false)
			continue
		}
		light += int32(q.Weights[i])
		if w.Class == names.Initial {
			initials++
		}
	}
	q.Joins(func(w names.Word, weight int) { s.gather(&w, int32(weight), true) })
	most := 0
	if len(subject.Births) > 0 {
		most += bornSameDay
	}
	if len(subject.Countries) > 0 {
		most += countrySame
	}
	// Where usual words alone cannot make a hit of a rich name, rich names are looked up by the others, and the usual ones are
	// taken to be alike.
	passing := initials == 0 && names.Cover(int(s.usual+100*light), q.Total, mostUsual*100, 100)+most < s.ix.threshold
	s.walk(passing)
	var best map[*lists.Entry]Hit
	for _, at := range s.touched {
		b, of := &s.ix.bounds[at], s.of[at]
		s.of[at] = side{}
		if passing && b.rich {
			of.subject += s.usual
			of.entry += 100 * b.usual
		}
		points := names.Cover(int(of.subject+100*light+mostInitial*b.initials), q.Total, int(of.entry+100*b.light+mostInitial*initials), int(b.total))
		if points+most < s.ix.threshold {
			continue
		}
		n := &s.ix.names[at]
		if points+besides(&subject, n.entry, n.of.Strength) < s.ix.threshold {
			continue // without comparing words, which takes longer
		}
		if hit, ok := s.ix.judge(&subject, n); ok {
			hit.at = at
			if other, there := best[n.entry]; !there || hit.Score > other.Score || hit.Score == other.Score && at < other.at {
				if best == nil {
					best = map[*lists.Entry]Hit{}
				}
				best[n.entry] = hit
			}
		}
	}
	s.touched, s.matches, s.usual = s.touched[:0], s.matches[:0], 0
	return explained(best, &subject, s.ix.weights)
}

// gather finds all words of entries that are like a word of the subject, or like two of its words that were joined.
func (s *Search) gather(w *names.Word, weight int32, joined bool) {
	s.turn++
	common := int32(0)
	w.Sought(joined, func(key names.Key) {
		for _, k := range s.ix.with(key.Hash) {
			at := k.word
			if key.Slip && !w.MaySlip(k.gist) || s.seen[at] == s.turn {
				continue
			}
			s.seen[at] = s.turn
			e := &s.ix.words[at]
			percent := alike(w, joined, e)
			if percent == 0 {
				continue
			}
			s.matches = append(s.matches, match{at, percent * weight, percent * e.weight})
			if e.usual() {
				common = max(common, percent*weight)
			}
		}
	})
	s.usual += common
}

// usual tells whether many names have a word. Two that were joined are of few.
func (e *entryWord) usual() bool { return !e.joined && usual(e.word.Class) }

// with are the words that have a key.
func (ix *Index) with(hash uint64) []wordKey {
	from := sort.Search(len(ix.keys), func(i int) bool { return ix.keys[i].key >= hash })
	to := from
	for to < len(ix.keys) && ix.keys[to].key == hash {
		to++
	}
	return ix.keys[from:to]
}

func alike(w *names.Word, joined bool, e *entryWord) int32 {
	switch {
	case joined && e.joined:
		return 0
	case joined:
		return joinedAlike(w, e.word)
	case e.joined:
		return joinedAlike(e.word, w)
	}
	percent, _ := names.Likeness(w, e.word)
	return int32(percent)
}

func joinedAlike(joined, w *names.Word) int32 {
	if names.JoinedAlike(joined, w) {
		return names.LikeJoined
	}
	return 0
}

// walk adds up what is alike of each name. Passing, rich names are passed over that have none but usual words.
func (s *Search) walk(passing bool) {
	for _, m := range s.matches {
		to := s.ix.starts[m.word+1]
		if passing && s.ix.words[m.word].usual() {
			to = s.ix.rich[m.word]
		}
		for _, at := range s.ix.postings[s.ix.starts[m.word]:to] {
			of := &s.of[at]
			if *of == (side{}) {
				s.touched = append(s.touched, at)
			}
			of.subject += m.subject
			of.entry += m.entry
		}
	}
}

// judge scores one name of an entry.
func (ix *Index) judge(subject *Subject, n *indexed) (Hit, bool) {
	points, words := score(subject, n.entry, &n.name, n.of.Strength)
	if points < ix.threshold {
		return Hit{}, false
	}
	return Hit{Customer: subject.ID, Subject: subject.Name, Score: points, Entry: n.entry, Name: n.of, words: words}, true
}

// explained are the hits, with what each score is made of.
func explained(best map[*lists.Entry]Hit, subject *Subject, weights names.Weights) []Hit {
	if len(best) == 0 {
		return nil
	}
	hits := make([]Hit, 0, len(best))
	for _, h := range best {
		name := names.Read(h.Name.Text, weights)
		h.Reasons = explain(subject, h.Entry, &name, h.Name.Strength, &h.words, h.Score)
		h.Score = clamp(h.Score)
		hits = append(hits, h)
	}
	return hits
}

// Each screens subjects, on so many goroutines; what each one's hits are comes in the order of the subjects.
func (ix *Index) Each(subjects []Subject, workers int) [][]Hit {
	hits := make([][]Hit, len(subjects))
	var all sync.WaitGroup
	share := max((len(subjects)+workers-1)/max(workers, 1), 1)
	for from := 0; from < len(subjects); from += share {
		all.Go(func() {
			search := ix.NewSearch()
			for i := from; i < min(from+share, len(subjects)); i++ {
				hits[i] = search.Hits(subjects[i])
			}
		})
	}
	all.Wait()
	return hits
}
