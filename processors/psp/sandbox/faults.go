package sandbox

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/segmentio/encoding/json"
)

// Faults is the body of PUT /v1/test/faults: what goes wrong whatever the card. The zero value is a provider that works.
// Shares are percentages. Whether a request is among them depends on the seed, its operation and its key alone, so that
// it is the same at each attempt, in any order of requests, and again with the same seed.
type Faults struct {
	Seed   uint64 `json:"seed"`
	Outage Outage `json:"outage"`
	// ForgetsKeys is the share of keys that are not known when they come again: the request is performed again.
	ForgetsKeys int `json:"forgets_keys"`
	// OtherAnswers is the share of keys whose repeat is answered with one minor unit more than the first request.
	OtherAnswers int `json:"other_answers"`
}

// Outage answers a share of requests 503; nothing is performed.
type Outage struct {
	Share      int    `json:"share"`
	Operations []Kind `json:"operations,omitempty"` // none: all of them, and look-ups
}

// Lookup names the GET requests of an engine in an outage.
const Lookup Kind = "lookup"

// outageKinds are what an outage may be of.
func outageKinds() []Kind {
	return []Kind{Authorize, Confirm, Capture, Increment, Void, Refund, Payout, DisputeEvidence, DisputeAccept, Lookup}
}

// check names the first field that is wrong.
func (f *Faults) check() *refusal {
	for _, share := range []struct {
		field string
		value int
	}{{"outage.share", f.Outage.Share}, {"forgets_keys", f.ForgetsKeys}, {"other_answers", f.OtherAnswers}} {
		if share.value < 0 || share.value > 100 {
			return refuse(CodeInvalid, "%s %d: want 0 to 100 percent", share.field, share.value)
		}
	}
	for _, kind := range f.Outage.Operations {
		if !slices.Contains(outageKinds(), kind) {
			return refuse(CodeInvalid, "outage.operations: %.64q: want some of %v", kind, outageKinds())
		}
	}
	return nil
}

// out tells whether the outage befalls a request.
func (f *Faults) out(kind Kind, key string) bool {
	return (len(f.Outage.Operations) == 0 || slices.Contains(f.Outage.Operations, kind)) &&
		f.drawn(f.Outage.Share, "outage", string(kind), key)
}

func (f *Faults) forgets(key string) bool { return f.drawn(f.ForgetsKeys, "forgets", key) }

func (f *Faults) answersOther(key string) bool { return f.drawn(f.OtherAnswers, "other", key) }

// drawn tells whether what the parts name is among a share in percent.
func (f *Faults) drawn(share int, parts ...string) bool {
	if share == 0 {
		return false
	}
	text := strconv.FormatUint(f.Seed, 10)
	for _, part := range parts {
		text += "\x00" + part
	}
	sum := sha256.Sum256([]byte(text))
	return binary.BigEndian.Uint64(sum[:8])%100 < uint64(share)
}

// unlessOut serves an engine's look-up, except in an outage of look-ups. value names the part of the path that is looked up.
func (s *Server) unlessOut(value string, serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.book.faults.Load().out(Lookup, r.PathValue(value)) {
			answerError(w, refuse(CodeUnavailable, "outage"))
			return
		}
		serve(w, r)
	}
}

func (s *Server) showFaults(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.book.faults.Load())
}

func (s *Server) setFaults(w http.ResponseWriter, r *http.Request) {
	faults := new(Faults)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err == nil {
		err = json.Unmarshal(body, faults)
	}
	if err != nil {
		answerError(w, refuse(CodeInvalid, "body: %v", err))
		return
	}
	if refused := faults.check(); refused != nil {
		answerError(w, refused)
		return
	}
	s.book.faults.Store(faults)
	answer(w, http.StatusOK, faults)
}
