package demo

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// scoreboard is what both sides report to.
type scoreboard struct {
	advance func() // the progress bar, one payment further

	mu       sync.Mutex
	problems []string
	stories  map[string]int
	examples map[string]string // a payment id for each story
	overHTTP []time.Duration
	overBus  []time.Duration
	repeats  int
}

func newScoreboard(advance func()) *scoreboard {
	return &scoreboard{advance: advance, stories: make(map[string]int), examples: make(map[string]string)}
}

func (b *scoreboard) problem(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, fmt.Sprintf(format, args...))
}

func (b *scoreboard) ended(one *payment, id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stories[one.story]++
	if b.examples[one.story] == "" {
		b.examples[one.story] = id
	}
	b.advance()
}

func (b *scoreboard) httpLatency(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.overHTTP = append(b.overHTTP, d)
}

func (b *scoreboard) kafkaLatency(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.overBus = append(b.overBus, d)
}

func (b *scoreboard) repeated() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.repeats++
}

// quantile is the value at q (0 to 1000) thousandths of the sorted durations, 0 for none.
func quantile(durations []time.Duration, thousandths int) time.Duration {
	if len(durations) == 0 {
		return 0
	}
	slices.Sort(durations)
	return durations[min(len(durations)*thousandths/1000, len(durations)-1)]
}
