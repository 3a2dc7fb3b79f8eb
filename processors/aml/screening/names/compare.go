package names

import (
	"cmp"
	"slices"
)

// Name is a name that was taken apart, with what its words weigh. Words are in an order of their own, so that the order in
// which they were written does not matter.
type Name struct {
	Words   []*Word
	Weights []int
	Total   int // the sum of Weights
	Heavy   int // how many words are neither light nor initials
}

// NewName weighs words, which it keeps.
func NewName(words []*Word, weights Weights) Name {
	n := Name{Words: words, Weights: make([]int, len(words))}
	slices.SortFunc(n.Words, func(a, b *Word) int {
		return cmp.Or(cmp.Compare(a.Text, b.Text), compareBool(a.abjad, b.abjad))
	})
	for i, w := range n.Words {
		n.Weights[i] = weights.Of(w)
		n.Total += n.Weights[i]
		if w.Class.Heavy() {
			n.Heavy++
		}
	}
	return n
}

// Read is a name as it is compared.
func Read(text string, weights Weights) Name {
	words := Parse(text)
	each := make([]*Word, len(words))
	for i := range words {
		each[i] = &words[i]
	}
	return NewName(each, weights)
}

func compareBool(a, b bool) int {
	if a == b {
		return 0
	}
	if b {
		return -1
	}
	return 1
}

// Pair is two words that are taken for one.
type Pair struct {
	A, B     int // their places in the two names; where two words are joined, the first of them
	A2, B2   int // the second of two joined words, or -1
	Likeness int // percent
	How      How
	WeightA  int // what its side of a weighs
	WeightB  int // what its side of b weighs
}

// Comparison is how two names are alike.
type Comparison struct {
	Score    int // 0 to 100
	Pairs    []Pair
	Evidence int // what the words that are alike weigh, on the side where they weigh less; generic ones half, unless all are alike
	Heavy    int // pairs that are neither light nor initials
	Initials int // pairs of an initial with a word
}

// heavy is how many of the one or two words of a pair are heavy.
func (p *Pair) heavy(n *Name, first, second int) int {
	count := 0
	for _, i := range []int{first, second} {
		if i >= 0 && n.Words[i].Class.Heavy() {
			count++
		}
	}
	return count
}

// maxJoined is how many words a name has at most for two of them to be read as one.
const maxJoined = 5

// Compare is how alike two names are, by their words alone, and each one's best partner: pairs are taken in the order of how
// alike they are, then of what they weigh, each word once.
func Compare(a, b *Name) Comparison {
	var c Comparison
	var room [64]Pair
	candidates := pairs(room[:0], a, b)
	slices.SortFunc(candidates, func(p, q Pair) int { return comparePairs(a, b, &p, &q) })
	var usedA, usedB [MaxWords]bool
	matchedA, matchedB, generic := 0, 0, 0
	leftA, leftB := a.Heavy, b.Heavy
	for _, p := range candidates {
		if usedA[p.A] || usedB[p.B] || p.A2 >= 0 && usedA[p.A2] || p.B2 >= 0 && usedB[p.B2] {
			continue
		}
		usedA[p.A], usedB[p.B] = true, true
		if p.A2 >= 0 {
			usedA[p.A2] = true
		}
		if p.B2 >= 0 {
			usedB[p.B2] = true
		}
		matchedA += p.Likeness * p.WeightA
		matchedB += p.Likeness * p.WeightB
		leftA -= p.heavy(a, p.A, p.A2)
		leftB -= p.heavy(b, p.B, p.B2)
		one, two := a.Words[p.A].Class, b.Words[p.B].Class
		switch {
		case p.How == AnInitial:
			c.Initials++
		case p.How == Joined:
			c.Heavy += 2
		case one == Generic || two == Generic:
			generic += p.Likeness * min(p.WeightA, p.WeightB)
			c.Heavy++
		case one.Heavy():
			c.Heavy++
		}
		c.Pairs = append(c.Pairs, p)
	}
	c.Evidence = min(matchedA, matchedB) / 100
	if leftA+leftB > 0 {
		c.Evidence -= generic / 200
	}
	if c.Heavy == 0 {
		return c // initials and particles alone are nobody's name
	}
	c.Score = Cover(matchedA, a.Total, matchedB, b.Total)
	return c
}

// Cover is the score of two names of which so much is alike (likeness times weight): the one of which more is alike counts
// twice, since a customer may leave out a name that the list has, and the other way round.
func Cover(matchedA, totalA, matchedB, totalB int) int {
	if totalA == 0 || totalB == 0 {
		return 0
	}
	x, y := min(matchedA/totalA, 100), min(matchedB/totalB, 100)
	return (2*max(x, y) + min(x, y)) / 3
}

// pairs are all words of two names that are alike.
func pairs(all []Pair, a, b *Name) []Pair {
	for i := range a.Words {
		for j := range b.Words {
			if percent, how := Likeness(a.Words[i], b.Words[j]); percent > 0 {
				all = append(all, Pair{i, j, -1, -1, percent, how, a.Weights[i], b.Weights[j]})
			}
		}
	}
	joined(a, func(i, k int, w *Word) {
		for j := range b.Words {
			if JoinedAlike(w, b.Words[j]) {
				all = append(all, Pair{i, j, k, -1, LikeJoined, Joined, a.Weights[i] + a.Weights[k], b.Weights[j]})
			}
		}
	}, b)
	joined(b, func(j, k int, w *Word) {
		for i := range a.Words {
			if JoinedAlike(w, a.Words[i]) {
				all = append(all, Pair{i, j, -1, k, LikeJoined, Joined, a.Weights[i], b.Weights[j] + b.Weights[k]})
			}
		}
	}, a)
	return all
}

// joined calls f for any two words of n that could be one of other, and what they are as one word.
func joined(n *Name, f func(i, k int, w *Word), other *Name) {
	n.pairsToJoin(func(i, k int) {
		if other.hasAbout(n.Words[i].Text[0], len(n.Words[i].Text)+len(n.Words[k].Text)) {
			w := join(n.Words[i], n.Words[k])
			f(i, k, &w)
		}
	})
}

// Joins calls f for any two words of n that may be one, with that one and what they weigh.
func (n *Name) Joins(f func(w Word, weight int)) {
	n.pairsToJoin(func(i, k int) { f(join(n.Words[i], n.Words[k]), n.Weights[i]+n.Weights[k]) })
}

func (n *Name) pairsToJoin(f func(i, k int)) {
	if len(n.Words) > maxJoined {
		return
	}
	for i, a := range n.Words {
		for k, b := range n.Words {
			if i != k && joinable(a, b) {
				f(i, k)
			}
		}
	}
}

// hasAbout tells whether a word of n begins so and is about so long.
func (n *Name) hasAbout(first byte, length int) bool {
	for _, w := range n.Words {
		if w.Text[0] == first && len(w.Text) >= length-maxJoinSlip && len(w.Text) <= length+maxJoinSlip {
			return true
		}
	}
	return false
}

// maxJoinedBytes is how long the word is that two are read as.
const maxJoinedBytes = 16

// maxJoinSlip is by how many letters two joined words may differ in length from the one that they are.
const maxJoinSlip = 2

// joinable tells whether two words may have been one.
func joinable(a, b *Word) bool {
	return len(a.Text) > 1 && len(b.Text) > 1 && len(a.Text)+len(b.Text) <= maxJoinedBytes && latin(a.Text) && latin(b.Text) && !a.abjad && !b.abjad &&
		a.Class != Legal && b.Class != Legal
}

// join is two words written as one.
func join(a, b *Word) Word { return newWord(rawWord{text: a.Text + b.Text}) }

// JoinedAlike tells whether two words that were joined are another word.
func JoinedAlike(joined, w *Word) bool {
	if w.abjad || w.Class == Initial || w.Class.light() || joined.Text[0] != w.Text[0] ||
		len(w.Text) < len(joined.Text)-maxJoinSlip || len(w.Text) > len(joined.Text)+maxJoinSlip {
		return false
	}
	return joined.Text == w.Text || soundsLike(joined, w)
}

// comparePairs orders pairs by what they are, not by where they stand, and the same whichever name comes first.
func comparePairs(a, b *Name, p, q *Pair) int {
	if c := cmp.Or(cmp.Compare(q.Likeness, p.Likeness), cmp.Compare(q.WeightA+q.WeightB, p.WeightA+p.WeightB)); c != 0 {
		return c
	}
	pl, pm := texts(a, b, p)
	ql, qm := texts(a, b, q)
	return cmp.Or(cmp.Compare(min(pl, pm), min(ql, qm)), cmp.Compare(max(pl, pm), max(ql, qm)))
}

func texts(a, b *Name, p *Pair) (one, two string) {
	one, two = a.Words[p.A].Text, b.Words[p.B].Text
	if p.A2 >= 0 {
		one += " " + a.Words[p.A2].Text
	}
	if p.B2 >= 0 {
		two += " " + b.Words[p.B2].Text
	}
	return one, two
}
