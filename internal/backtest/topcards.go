package backtest

import (
	"cmp"
	"slices"
	"strings"
)

// cardRanking measures what a team finds that looks at the K cards with the highest scores each day, as the handbook
// "Reproducible machine learning for credit card fraud detection" defines card precision top-K: a card has the highest score
// of its attempts of the day, and is found if one of them was fraud; what was found is not looked at on later days; the
// measure is the mean over the days of cards found divided by K. Of equal scores the card that came first is looked at.
type cardRanking struct {
	k        int
	day      int64 // days since 1970
	cards    map[string]*cardOfDay
	found    map[string]bool
	frauds   map[string]bool // cards with fraud, found or not
	days     int
	sum      float64 // of the days' precisions
	unranked int64
}

type cardOfDay struct {
	card  string
	order int // in which the cards of the day came
	score int64
	fraud bool
}

func newCardRanking(k int) *cardRanking {
	return &cardRanking{k: k, cards: map[string]*cardOfDay{}, found: map[string]bool{}, frauds: map[string]bool{}}
}

// add takes attempts in the order of their days; one that comes late counts for the day at hand.
func (r *cardRanking) add(day int64, card string, score int64, fraud bool) {
	if day > r.day {
		r.endDay()
		r.day = day
	}
	if card == "" {
		r.unranked++
		return
	}
	c := r.cards[card]
	if c == nil {
		c = &cardOfDay{card: strings.Clone(card), order: len(r.cards), score: score}
		r.cards[c.card] = c
	}
	c.score = max(c.score, score)
	if fraud {
		c.fraud = true
		r.frauds[c.card] = true
	}
}

func (r *cardRanking) endDay() {
	if len(r.cards) == 0 {
		return
	}
	ranked := make([]*cardOfDay, 0, len(r.cards))
	for _, c := range r.cards {
		if !r.found[c.card] {
			ranked = append(ranked, c)
		}
	}
	slices.SortFunc(ranked, func(a, b *cardOfDay) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.order, b.order))
	})
	found := int64(0)
	for _, c := range ranked[:min(r.k, len(ranked))] {
		if c.fraud {
			found++
			r.found[c.card] = true
		}
	}
	r.days++
	r.sum += ratio(found, int64(r.k))
	clear(r.cards)
}

// measure ends the ranking; nil where no card was ranked.
func (r *cardRanking) measure() *TopCards {
	r.endDay()
	if r.days == 0 {
		return nil
	}
	return &TopCards{K: r.k, Days: r.days, Precision: r.sum / float64(r.days), Found: int64(len(r.found)),
		Cards: int64(len(r.frauds)), Unranked: r.unranked}
}
