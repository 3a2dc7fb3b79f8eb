package sandbox

import (
	"context"
	"crypto/subtle"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/segmentio/encoding/json"
)

// Header that names a request: the same key is performed once.
const headerKey = "Idempotency-Key"

const maxKey = 128 // characters of an idempotency key

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/authorizations", s.perform(Authorize))
	mux.HandleFunc("POST /v1/authorizations/{id}/confirm", s.perform(Confirm))
	mux.HandleFunc("POST /v1/authorizations/{id}/capture", s.perform(Capture))
	mux.HandleFunc("POST /v1/authorizations/{id}/increment", s.perform(Increment))
	mux.HandleFunc("POST /v1/authorizations/{id}/void", s.perform(Void))
	mux.HandleFunc("POST /v1/refunds", s.perform(Refund))
	mux.HandleFunc("POST /v1/payouts", s.perform(Payout))
	mux.HandleFunc("POST /v1/disputes/{dispute}/evidence", s.perform(DisputeEvidence))
	mux.HandleFunc("POST /v1/disputes/{dispute}/accept", s.perform(DisputeAccept))
	mux.HandleFunc("GET /v1/disputes/{dispute}", s.unlessOut("dispute", s.showDispute))
	mux.HandleFunc("GET /v1/authorizations/{id}", s.unlessOut("id", s.showAuthorization))
	mux.HandleFunc("GET /v1/requests/{key}", s.unlessOut("key", s.showRequest))
	mux.HandleFunc("GET /v1/payments/{reference}", s.unlessOut("reference", s.showReference))
	mux.HandleFunc("POST /v1/test/trigger", s.trigger)
	mux.HandleFunc("POST /v1/test/settle", s.settle)
	mux.HandleFunc("POST /v1/test/dispute", s.dispute)
	mux.HandleFunc("GET /v1/reports/settlement", s.report)
	mux.HandleFunc("GET /v1/test/faults", s.showFaults)
	mux.HandleFunc("PUT /v1/test/faults", s.setFaults)
	mux.HandleFunc("GET /v1/test/summary", s.summary)
	public := http.NewServeMux()
	public.Handle("/v1/", s.authenticated(mux))
	public.HandleFunc("GET /v1/tokens", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, Tokens()) })
	public.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	public.HandleFunc("GET /v1/methods", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, Behaviours()) })
	public.HandleFunc("GET /challenge/{id}", s.challengePage)
	public.HandleFunc("GET /pay/{id}", s.payPage)
	public.HandleFunc("POST /pay/{id}", s.payPage)
	buttons := s.authenticated(s.buttons())
	public.Handle("/buttons", buttons)
	public.Handle("/buttons/", buttons)
	// No other site makes a browser send what changes something here.
	return http.NewCrossOriginProtection().Handler(public)
}

func (s *Server) authenticated(next http.Handler) http.Handler {
	if s.cfg.APIKey == "" {
		return next
	}
	want := []byte(s.cfg.APIKey)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !bearer {
			_, key, _ = r.BasicAuth() // browsers
		}
		if subtle.ConstantTimeCompare([]byte(key), want) != 1 {
			w.Header().Set("WWW-Authenticate", `Basic realm="sandbox: any name, and the API key"`)
			answerError(w, &refusal{CodeUnauthorized, "want the API key as a bearer token, or as the password of a browser"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// perform serves one kind of POST.
func (s *Server) perform(kind Kind) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get(headerKey)
		if key == "" || len(key) > maxKey {
			answerError(w, refuse(CodeInvalid, "%s: want 1 to %d characters", headerKey, maxKey))
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
		if err != nil {
			answerError(w, refuse(CodeInvalid, "body: %v", err))
			return
		}
		var request Request
		if err := json.Unmarshal(body, &request); err != nil {
			answerError(w, refuse(CodeInvalid, "body: %v", err))
			return
		}
		if id := r.PathValue("id"); id != "" {
			request.Authorization = id
		}
		request.Dispute = r.PathValue("dispute")
		if s.book.faults.Load().out(kind, key) {
			answerError(w, refuse(CodeUnavailable, "outage: nothing was performed"))
			return
		}
		fault := s.faultBefore(w, r, kind, key, &request)
		if fault == answered {
			return
		}
		shown, first, refused := s.book.perform(kind, key, fingerprint(r.URL.Path, body), &request, s.baseURL)
		if refused != nil {
			answerError(w, refused)
			return
		}
		if first && s.faultAfter(w, r, fault) {
			return
		}
		answer(w, http.StatusOK, shown)
	}
}

// answered stands for a fault that has had its effect: there is nothing to perform.
const answered fault = -1

// faultBefore waits for the latency and does what the token of an authorization or a payout does before it is performed. It returns
// the fault that is due afterwards, or answered.
func (s *Server) faultBefore(w http.ResponseWriter, r *http.Request, kind Kind, key string, request *Request) fault {
	latency, due := s.cfg.Latency, noFault
	if opens := kind == Authorize || kind == Payout; opens && request.Card != nil {
		if token, ok := s.book.tokens.find(request.Card.Token); ok {
			due = token.fault
			if kind == Payout {
				due = token.payoutFault
			}
			if token.slow {
				latency = s.cfg.SlowLatency
			}
		}
	}
	if latency > 0 && !s.pause(r.Context(), latency) {
		return answered
	}
	switch due {
	case unavailable:
		answerError(w, refuse(CodeUnavailable, "nothing was performed; try again"))
	case unavailableOnce:
		if s.book.triedBefore(key) {
			return noFault
		}
		answerError(w, refuse(CodeUnavailable, "nothing was performed; try again"))
	case serverError:
		answerError(w, refuse(CodeInternal, "something went wrong"))
	case hangBefore:
		s.pause(r.Context(), s.cfg.Hang)
		panic(http.ErrAbortHandler) // closes the connection without an answer
	default:
		return due
	}
	return answered
}

// faultAfter does what a token does once it is performed, and reports whether that leaves nothing to answer.
func (s *Server) faultAfter(_ http.ResponseWriter, r *http.Request, due fault) bool {
	switch due {
	case hangAfter:
		s.pause(r.Context(), s.cfg.Hang)
		panic(http.ErrAbortHandler)
	case dropAfter:
		panic(http.ErrAbortHandler)
	default:
		return false
	}
}

// pause waits, and reports whether it was neither the caller nor the server that gave up.
func (s *Server) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-s.stopping.Done():
	}
	return false
}

// maxTried bounds the keys remembered for unavailableOnce.
const maxTried = 10_000

func (b *book) triedBefore(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.unavailable[key] {
		return true
	}
	if len(b.unavailable) >= maxTried {
		clear(b.unavailable)
	}
	b.unavailable[key] = true
	return false
}

// perform does what a request asks once for its key; first is false for a repeat, which gets the first answer.
func (b *book) perform(kind Kind, key, print string, r *Request, baseURL string) (shown Operation, first bool, refused *refusal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, op := b.find(b.newestLocked(key)); p != nil {
		switch faults := b.faults.Load(); {
		case faults.forgets(key):
			key = b.again(op.Key)
		case op.Fingerprint != print:
			return Operation{}, false, refuse(CodeKeyReused, "%s: was used with another body", headerKey)
		default:
			shown = p.show(op, op.Answered, baseURL)
			if faults.answersOther(key) {
				shown.Amount++
			}
			return shown, false, nil
		}
	}
	now := time.Now().UTC()
	if r.Dispute != "" {
		r.Authorization = b.keys[r.Dispute]
	}
	var p *payment
	switch e := b.payments[r.Authorization]; {
	case kind == Authorize:
		r.attempt = len(b.references[r.MerchantReference])
		p, refused = b.authorize(key, print, r, now)
	case kind == Payout:
		p, refused = b.payout(key, print, r, now)
	case e == nil && r.Dispute != "":
		refused = refuse(CodeNotFound, "dispute %.64q", r.Dispute)
	case e == nil:
		refused = refuse(CodeNotFound, "authorization %.64q", r.Authorization)
	default:
		p = e.payment.clone()
		refused = b.follow(p, kind, key, print, r, now)
	}
	if refused != nil {
		return Operation{}, false, refused
	}
	if err := b.put(p); err != nil {
		b.cfg.Log.Error("sandbox: nothing performed", "error", err)
		return Operation{}, false, refuse(CodeUnavailable, "nothing was performed: %v", err)
	}
	op := p.operation(key)
	return p.show(op, op.Answered, baseURL), true, nil
}

func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Append(make([]byte, 0, 768), v, 0)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"code":"internal","detail":"the answer cannot be encoded"}`)
	}
	w.Header()["Content-Type"] = []string{"application/json"}
	w.WriteHeader(status)
	// A caller who has gone asks again.
	_, _ = w.Write(body)
}

func answerError(w http.ResponseWriter, r *refusal) {
	if r.code == CodeUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	answer(w, r.status(), Error{r.code, r.detail})
}

// status of HTTP that says it.
func (r *refusal) status() int {
	switch r.code {
	case CodeNotFound:
		return http.StatusNotFound
	case CodeUnauthorized:
		return http.StatusUnauthorized
	case CodeUnavailable:
		return http.StatusServiceUnavailable
	case CodeInternal:
		return http.StatusInternalServerError
	}
	return http.StatusUnprocessableEntity
}
