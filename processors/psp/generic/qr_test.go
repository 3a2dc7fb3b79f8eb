package generic_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/weirhq/weir/topics"
)

// qrPeer answers as examples/qr.yaml describes a PSP, and keeps what it was told.
type qrPeer struct {
	form  url.Values
	path  string
	state string
	key   string
}

func (q *qrPeer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q.path, q.key = r.URL.EscapedPath(), r.Header.Get("Idempotency-Key")
	if r.Method == http.MethodPost {
		if err := r.ParseForm(); err != nil || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			w.WriteHeader(http.StatusUnsupportedMediaType)
			return
		}
		q.form, q.state = r.PostForm, "waiting"
	}
	if q.form == nil {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"error":{"code":"no_such_charge"}}`))
		return
	}
	_, _ = w.Write([]byte(q.charge()))
}

func (q *qrPeer) charge() string {
	return `{"charge":{"id":"chg_1","state":"` + q.state + `","external_id":"` + q.form.Get("external_id") + `","order":"` + q.form.Get("order") +
		`","cents":` + q.form.Get("cents") + `,"currency":"` + q.form.Get("currency") + `","brcode":"00020126","link":"bank://pay/1","expires":1900000000}}`
}

func TestQRCode(t *testing.T) {
	q := &qrPeer{}
	server := httptest.NewServer(q)
	defer server.Close()
	a := described(t, "examples/qr.yaml", server.URL)
	if _, ok := a.Idempotent(); ok {
		t.Error("taken for one that knows keys")
	}
	r := request(topics.OperationAuthorize, "1-1-0", 1050, "BRL")
	if report, err := a.Poll(t.Context(), r); err != nil || report.Outcome != topics.PSPNotFound || q.path != "/charges/by-external-id/1-1-0" {
		t.Errorf("%+v, %v at %s", report, err, q.path)
	}
	r.PaymentMethod = nil
	if card, err := a.Do(t.Context(), r); err != nil || card.Outcome != topics.PSPFailed || q.form != nil {
		t.Errorf("a payment by card: %+v, %v, and %v was sent", card, err, q.form)
	}
	r.PaymentMethod = &topics.PaymentMethod{Type: topics.MethodQR}
	report, err := a.Do(t.Context(), r)
	if err != nil || report.Outcome != topics.PSPRequiresAction || report.PSPReference != "chg_1" || q.key != "" || q.form.Get("cents") != "1050" {
		t.Fatalf("%+v, %v of %v", report, err, q.form)
	}
	want := topics.Action{Type: "qr_code", QRCode: "00020126", CopyCode: "00020126", Deeplink: "bank://pay/1", ExpiresAt: report.Action.ExpiresAt}
	if *report.Action != want || report.Action.ExpiresAt.Unix() != 1_900_000_000 {
		t.Errorf("action %+v", report.Action)
	}
	q.state = "paid"
	told, err := a.Webhook([]byte(q.charge()))
	if err != nil || told.Outcome != topics.PSPApproved || !told.Captured || told.PaymentID != ours || told.Amount != 1050 || told.Currency != "BRL" {
		t.Errorf("%+v, %v", told, err)
	}
	if polled, err := a.Poll(t.Context(), r); err != nil || polled.Outcome != topics.PSPApproved || !polled.Captured {
		t.Errorf("%+v, %v", polled, err)
	}
	q.state = "expired"
	late, err := a.Webhook([]byte(q.charge()))
	if err != nil || late.Outcome != topics.PSPDeclined || late.DeclineCode != "expired" || late.ReportID == told.ReportID {
		t.Errorf("%+v, %v", late, err)
	}
	q.state = "waiting"
	if odd, err := a.Webhook([]byte(q.charge())); err == nil {
		t.Errorf("%+v", odd)
	}
	if masked, err := a.Webhook([]byte(strings.Replace(q.charge(), "chg_1", "************1111", 1))); err == nil {
		t.Errorf("%+v", masked)
	}
}
