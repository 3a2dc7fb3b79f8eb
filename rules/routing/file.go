package routing

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/rules"
)

// Limits of a routing file. One that is exceeded is a problem of the file.
const (
	maxRoutes   = 500
	maxTests    = 500
	maxWeight   = 1_000_000
	maxCosts    = 50 // of one route
	maxAttempts = 10
	maxWithin   = 10 * time.Minute
	maxDefer    = 7 * 24 * time.Hour
)

// Strategy says how the routes that take a payment are put in order.
type Strategy string

const (
	Priority    Strategy = "priority"     // as they stand in the file
	LeastCost   Strategy = "least_cost"   // the cheapest first
	VolumeSplit Strategy = "volume_split" // drawn by weight
	Bandit      Strategy = "bandit"       // drawn by what was approved before (Thompson sampling)
)

// What a draw by weight is stable by.
const (
	byCustomer = "customer"
	byPayment  = "payment"
)

// Route is one way to a PSP.
type Route struct {
	Name string
	PSP  string
	// Weight is its share in a volume split, 1 where the file does not say.
	Weight int64

	line      int
	provider  int // number of the PSP
	condition int // in the matcher; -1: it takes every payment
	costs     []cost
	daily     *Daily // nil: no limit
}

// Daily is what a route takes on a day at most. A count of 0 is no limit; amounts bind each currency by itself, and where
// there are any, a payment in another currency does not go this way.
type Daily struct {
	Count   int64
	Amounts map[ledger.Currency]int64 // minor units
}

// Set is a compiled routing file. It never changes and may be used by several goroutines at once.
type Set struct {
	routes    []Route
	providers int // how many PSPs the routes go to
	strategy  Strategy
	stableBy  string
	attempts  int
	within    time.Duration
	deferred  time.Duration
	halfLife  time.Duration  // of what a bandit learnt
	zone      *time.Location // of days
	asks      bool           // plans depend on the card or the amount, as far as can be told from the file
	health    HealthTerms

	matcher *rules.Matcher
	tests   []test
	sheet   *rules.Sheet
	name    string
	hash    string
	warned  rules.Problems
}

// Load reads and compiles the routing file at a path on disk. A mistake is an error of type rules.Problems. psps are the
// providers that there are; nil: any.
func Load(path string, psps []string) (*Set, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read routes: %w", err)
	}
	return Compile(rules.File{Name: filepath.ToSlash(path), Text: text}, psps, func(name string) ([]byte, error) { return os.ReadFile(filepath.FromSlash(name)) })
}

// Hash is the content hash of all that decides, 32 hex digits. Descriptions and tests do not change it.
func (s *Set) Hash() string { return s.hash }

// Routes are the routes in their order.
func (s *Set) Routes() []Route { return s.routes }

// Strategy is how routes are put in order.
func (s *Set) Strategy() Strategy { return s.strategy }

// Files are the routing file and the list files that it was read from.
func (s *Set) Files() []string { return append([]string{s.name}, s.matcher.ListFiles()...) }

// Warnings are what is right as it stands and may not be what was meant.
func (s *Set) Warnings() rules.Problems { return append(s.warned, s.matcher.Warnings()...) }

// Learns tells whether plans depend on what became of payments before.
func (s *Set) Learns() bool { return s.strategy == Bandit || s.health.Window > 0 || s.Counts() }

// Counts tells whether a route has a limit for a day, so that the day must be known from its beginning.
func (s *Set) Counts() bool {
	for _, r := range s.routes {
		if r.daily != nil {
			return true
		}
	}
	return false
}

// learnsLong bounds how far back what a bandit learnt is looked for after a start.
const learnsLong = 24 * time.Hour

// LearnsSince is from when on events must be known for plans at a moment: the window of health, four half-lives of a bandit but
// at most a day, the day's beginning where routes have limits.
func (s *Set) LearnsSince(now time.Time) time.Time {
	since := now.Add(-s.health.Window)
	if s.strategy == Bandit {
		since = now.Add(-max(s.health.Window, min(4*s.halfLife, learnsLong)))
	}
	if s.Counts() {
		y, m, d := now.In(s.zone).Date()
		if day := time.Date(y, m, d, 0, 0, 0, 0, s.zone); day.Before(since) {
			return day
		}
	}
	return since
}

// finish numbers the PSPs and computes the content hash.
func (s *Set) finish() {
	numbers := map[string]int{}
	for i := range s.routes {
		r := &s.routes[i]
		if _, ok := numbers[r.PSP]; !ok {
			numbers[r.PSP] = len(numbers)
		}
		r.provider = numbers[r.PSP]
		s.asks = s.asks || r.condition >= 0 || s.strategy == LeastCost || r.daily != nil && len(r.daily.Amounts) > 0
	}
	s.providers = len(numbers)
	h := sha256.New()
	put := func(texts ...string) {
		for _, t := range texts {
			var n [8]byte
			binary.BigEndian.PutUint64(n[:], uint64(len(t)))
			h.Write(n[:])
			h.Write([]byte(t))
		}
	}
	put("weir routes", fmt.Sprint(rules.Version), string(s.strategy), s.stableBy, fmt.Sprint(s.attempts), s.within.String(), s.deferred.String(),
		s.halfLife.String(), s.zone.String(), fmt.Sprintf("%+v", s.health))
	for _, r := range s.routes {
		put("route", r.Name, r.PSP, fmt.Sprint(r.Weight), fmt.Sprint(r.condition))
		for _, c := range r.costs {
			put("cost", fmt.Sprint(c.condition), fmt.Sprint(c.millionths), fmt.Sprint(c.fixed))
		}
		if r.daily != nil {
			put("daily", fmt.Sprintf("%+v", *r.daily))
		}
	}
	put(s.matcher.Canonical()...)
	s.hash = hex.EncodeToString(h.Sum(nil)[:16])
}
