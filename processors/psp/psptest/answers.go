package psptest

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/topics"
)

// currencies: the PSP takes what was asked for, however it counts, and says the same.
func (s *suite) currencies(t *testing.T) {
	for _, m := range []ledger.Money{{Minor: 1050, Currency: "EUR"}, {Minor: 500, Currency: "JPY"}, {Minor: 1230, Currency: "KWD"}, {Minor: 2500, Currency: "BHD"}, {Minor: 700, Currency: "ISK"}} {
		r := s.authorization(s.Cards.Approved)
		r.Amount, r.Currency = m.Minor, string(m.Currency)
		s.expect(t, r, s.do(t, r, topics.PSPApproved))
		if got := s.Charged(t, r.PaymentID); got != m.String() {
			t.Errorf("charged %s, want %s", got, m)
		}
	}
}

// hostile: an answer that is none of the PSP's leaves the outcome unknown, whatever its status, and its size and depth
// break nothing.
func (s *suite) hostile(t *testing.T) {
	authorization := s.authorization(s.Cards.Approved)
	authorized := s.do(t, authorization, topics.PSPApproved)
	answers := map[string]string{
		"nothing": "", "null": "null", "empty": "{}", "list": "[]", "text": `"approved"`, "cut short": `{"id":"x","status":`, "page": "<html>Bad Gateway</html>",
		"huge": `{"id":"` + strings.Repeat("x", 6<<20) + `"}`, "deep list": strings.Repeat("[", 1<<17), "deep object": strings.Repeat(`{"error":`, 1<<17),
		"number": `{"amount":1e999,"id":7,"status":{}}`,
	}
	for name, answer := range answers {
		for _, status := range []int{http.StatusOK, http.StatusCreated, http.StatusFound, http.StatusNotFound, http.StatusInternalServerError} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(answer)) // whoever reads may have enough of it
			}))
			adapter := s.At(t, server.URL)
			for _, r := range []*topics.PSPRequest{s.authorization(s.Cards.Approved), s.follow(authorization, authorized, topics.OperationCapture, 100)} {
				if report, err := adapter.Do(t.Context(), r); !unknown(report, err) {
					t.Errorf("%s with %d to %s: %+v, %v", name, status, r.Operation, report, err)
				}
				if report, err := adapter.Poll(t.Context(), r); !unknown(report, err) {
					t.Errorf("%s with %d to a poll of %s: %+v, %v", name, status, r.Operation, report, err)
				}
			}
			server.Close()
		}
	}
}

func unknown(report topics.PSPReport, err error) bool {
	if err == nil {
		return report.Outcome == topics.PSPUnknown
	}
	return errors.Is(err, psp.ErrUnknown) && !errors.Is(err, psp.ErrNotSent) && len(err.Error()) < 1<<10
}
