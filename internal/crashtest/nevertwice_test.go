package crashtest

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/weirhq/weir/internal/broker/brokertest"
	"github.com/weirhq/weir/internal/database/databasetest"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

const (
	stormLasts  = 20 * time.Second // unless WEIR_TEST_CHAOS_FOR says otherwise
	stormLimit  = 3 * time.Minute  // more, until it has shown what it is to show: a busy machine is slow
	stormKills  = 2                // at least
	settleLimit = 3 * time.Minute
)

const stormRoutes = `version: 1
strategy: volume_split
cascade: { attempts: 3, within: 20s }
defer: 15s
health: { window: 10s, at_least: 20, error_rate: 60%, timeout_rate: 60%, open_for: 2s, probes: 2 }
routes:
  - { name: first, psp: acme, weight: 50 }
  - { name: second, psp: world, weight: 30 }
  - { name: third, psp: bank, weight: 20 }
`

const stormRules = `version: 1
stage: payout
rules:
  - { name: large_payout, when: payout.amount > money("40.00 EUR"), outcome: hold, on_missing: hold }
`

// Three PSPs do all that PSPs can do wrong at once, routes cascade and payments wait for one, PSPs are switched off and on,
// commands and requests are repeated, and processes are killed. Once all is well again and settled, the books of the PSPs, the
// ledger, the events and the API say the same of each payment and payout, and nothing was done twice.
func TestNeverTwice(t *testing.T) {
	lasts := stormLasts
	if text := os.Getenv("WEIR_TEST_CHAOS_FOR"); text != "" {
		var err error
		if lasts, err = time.ParseDuration(text); err != nil {
			t.Fatalf("WEIR_TEST_CHAOS_FOR: %v", err)
		}
	}
	w := newWorldOf(t)
	w.addEngine("two")
	for n, name := range []string{"acme", "world", "bank"} {
		w.psps = append(w.psps, misbehave(t, name, seed(t)+uint64(n), func() string { return w.engines[rand.IntN(len(w.engines))].url }))
	}
	w.rules = filepath.Join(w.dir, "rules.yaml")
	routes := filepath.Join(w.dir, "routes.yaml")
	for path, text := range map[string]string{w.rules: stormRules, routes: stormRoutes} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w.payments = "psp: acme\n  request_ttl: 3s\n  follow_ttl: 4s\n  poll_grace: 1s\n  challenge_ttl: 5s"
	w.settings = []string{"  routing: " + routes, "payouts:\n  queue_for: 20s"}
	b := brokertest.New(t, partitions)
	w.outside(b.Config.Brokers, databasetest.NewURL(t))
	for _, e := range w.engines {
		e.start("")
		e.ready()
	}
	s := &storm{traffic: w.clients(seed(t)), told: chronicles(t, w.kafka()), asked: map[string]map[topics.EventType]int{}, paid: map[string]bool{}}
	s.begin()
	kills := s.rage(lasts)
	s.calm()
	s.finish()
	s.closeBooks()
	s.summarise(kills)
	if t.Failed() {
		w.keepLogs()
	}
	for _, e := range w.engines {
		e.stop()
	}
}

// rage does harm for a while, by the seed, until the storm has shown what it is to show. It returns how many processes were
// killed.
func (s *storm) rage(lasts time.Duration) (kills int) {
	r := rand.New(rand.NewPCG(s.seed, 7))
	points := stream.Points()
	var off []string // kill switches, oldest first
	for _, m := range s.world.psps {
		m.turn(faulty)
	}
	shown := func() bool { return kills >= stormKills && len(s.unseen()) == 0 }
	for end := time.Now().Add(lasts); time.Now().Before(end) || !shown() && time.Now().Before(end.Add(stormLimit)); {
		select { // the moment of the next harm, not a wait for anything
		case <-time.After(200*time.Millisecond + time.Duration(r.Int64N(int64(time.Second)))):
		case <-s.t.Context().Done():
		}
		psp, engine := s.world.psps[r.IntN(len(s.world.psps))], s.world.engines[r.IntN(len(s.world.engines))]
		for _, e := range s.world.engines {
			if !e.running() { // at its point
				e.died()
				kills++
				e.start("")
				e.ready()
			}
		}
		switch roll := r.IntN(100); {
		case roll < 25:
			psp.turn(faulty)
		case roll < 50:
			psp.turn([]weather{fair, refuses, hangs, sorry, confused}[r.IntN(5)])
		case roll < 55: // all of them
			for _, m := range s.world.psps {
				m.turn([]weather{refuses, hangs, sorry}[r.IntN(3)])
			}
		case roll < 62:
			for _, m := range s.world.psps {
				m.turn(faulty)
			}
		case roll < 80:
			if len(off) > 0 && r.IntN(3) > 0 {
				s.turn(http.MethodDelete, off[0])
				off = off[1:]
				continue
			}
			path := "/v1/routes/switches/" + []string{psp.name, psp.name, psp.name, "all"}[r.IntN(4)]
			if r.IntN(2) == 0 {
				path += "?country=DE"
			}
			s.turn(http.MethodPut, path)
			off = append(off, path)
		default:
			kills++
			engine.kill()
			crash := ""
			if r.IntN(2) == 0 {
				crash = death{point: points[r.IntN(len(points))], nth: 1 + r.IntN(30)}.String()
			}
			engine.start(crash)
			if crash == "" {
				engine.ready()
			}
		}
	}
	return kills
}

// turn turns a kill switch; who cannot reach the engine, or finds nothing to turn, leaves it.
func (s *storm) turn(method, path string) (status int) {
	body := `{"reason":"drill"}`
	if method == http.MethodDelete {
		if body = ""; bytes.ContainsRune([]byte(path), '?') {
			path += "&reason=over"
		} else {
			path += "?reason=over"
		}
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.base()+path, bytes.NewBufferString(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+apiKey)
	request.Header.Set("Content-Type", "application/json")
	response, err := s.http.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close() // its status tells
	return response.StatusCode
}

// calm makes all well: every PSP answers, every process runs, nothing is switched off.
func (s *storm) calm() {
	s.t.Helper()
	for _, e := range s.world.engines {
		if e.running() {
			e.kill() // it may be about to die at a point
		}
		e.start("")
	}
	for _, e := range s.world.engines {
		e.ready()
	}
	names := []string{"all"}
	for _, m := range s.world.psps {
		m.turn(fair)
		names = append(names, m.name)
	}
	for _, name := range names {
		for _, query := range []string{"", "?country=DE"} {
			path := "/v1/routes/switches/" + name + query
			if err := until(s.t.Context(), readyLimit, func() (bool, error) {
				status := s.turn(http.MethodDelete, path)
				return status == http.StatusOK || status == http.StatusUnprocessableEntity, nil
			}); err != nil {
				s.t.Fatalf("DELETE %s: %v", path, err)
			}
		}
	}
}

// summarise tells what happened, and fails where it shows nothing.
func (s *storm) summarise(kills int) {
	s.t.Helper()
	s.told.mu.Lock()
	statuses, events, cases := map[string]int{}, map[string]int{}, map[topics.RefusalCode]int{}
	for _, l := range s.told.lives {
		kind := "payment "
		if l.payout {
			kind = "payout "
		}
		statuses[kind+l.status]++
		for event, n := range l.counts {
			events[kind+event] += n
		}
		for code, n := range l.cases {
			cases[code] += n
		}
	}
	s.told.mu.Unlock()
	s.t.Logf("seed %d: %d payments, %d payouts, %d kills, %d repeats of HTTP requests\nthey are: %v\nevents: %v\ncases: %v", s.seed, len(s.payments),
		len(s.paid), kills, s.retries.Load(), statuses, events, cases)
	for _, m := range s.world.psps {
		m.mu.Lock()
		s.t.Logf("PSP %s: %v", m.name, m.befell)
		m.mu.Unlock()
	}
	if unseen := s.unseen(); len(unseen) > 0 || kills < stormKills {
		s.t.Errorf("no %v, %d kills: shows nothing", unseen, kills)
	}
}

// unseen are the events that a storm is to show and did not yet.
func (s *storm) unseen() (events []string) {
	payments := []topics.EventType{topics.EventAttemptDeclined, topics.EventOutcomeUnknown, topics.EventCaptured, topics.EventRefunded, topics.EventVoided}
	payouts := []topics.PayoutEventType{topics.PayoutPaid, topics.PayoutOutcomeUnknown}
	s.told.mu.Lock()
	defer s.told.mu.Unlock()
	for _, event := range payments {
		if !s.told.any(false, string(event)) {
			events = append(events, "payment "+string(event))
		}
	}
	for _, event := range payouts {
		if !s.told.any(true, string(event)) {
			events = append(events, "payout "+string(event))
		}
	}
	return events
}
