package api

import (
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/weirhq/weir/topics"
)

// route is one operation of the document.
type route struct {
	pattern string // of http.ServeMux
	handle  func(*call) error
	public  bool // needs no API key
	review  bool // needs an API key that may approve
}

// table lists every operation of the document, and nothing else.
func (a *API) table(registry *prometheus.Registry) []route {
	return []route{
		{pattern: "POST /v1/intents", handle: a.write(payment(topics.CommandCreate, decodeCreate))},
		{pattern: "GET /v1/intents", handle: a.listIntents},
		{pattern: "GET /v1/intents/{id}", handle: a.getIntent},
		{pattern: "POST /v1/intents/{id}/authorize", handle: a.write(payment(topics.CommandAuthorize, decodeAuthorize))},
		{pattern: "POST /v1/intents/{id}/approve", handle: a.write(payment(topics.CommandApprove, decodeReview)), review: true},
		{pattern: "POST /v1/intents/{id}/reject", handle: a.write(payment(topics.CommandReject, decodeReview)), review: true},
		{pattern: "POST /v1/intents/{id}/confirm", handle: a.write(payment(topics.CommandConfirm, decodeConfirm))},
		{pattern: "POST /v1/intents/{id}/capture", handle: a.write(payment(topics.CommandCapture, decodeCapture))},
		{pattern: "POST /v1/intents/{id}/increment", handle: a.write(payment(topics.CommandIncrement, decodeIncrement))},
		{pattern: "POST /v1/intents/{id}/void", handle: a.write(payment(topics.CommandVoid, decodeEnd))},
		{pattern: "POST /v1/intents/{id}/cancel", handle: a.write(payment(topics.CommandCancel, decodeEnd))},
		{pattern: "POST /v1/intents/{id}/refunds", handle: a.write(payment(topics.CommandRefund, decodeRefund))},
		{pattern: "GET /v1/intents/{id}/refunds", handle: a.listRefunds},
		{pattern: "GET /v1/intents/{id}/decisions", handle: a.listDecisions},
		{pattern: "GET /v1/wallets/{customer}", handle: a.getWallet},
		{pattern: "POST /v1/wallets/{customer}/credits", handle: a.write(wallet(topics.WalletCredit, decodeMovement))},
		{pattern: "POST /v1/wallets/{customer}/debits", handle: a.write(wallet(topics.WalletDebit, decodeMovement))},
		{pattern: "POST /v1/wallets/{customer}/holds", handle: a.write(wallet(topics.WalletHold, decodeHold))},
		{pattern: "GET /v1/wallets/{customer}/holds/{hold}", handle: a.getHold},
		{pattern: "POST /v1/wallets/{customer}/holds/{hold}/capture", handle: a.write(wallet(topics.WalletCaptureHold, decodeHoldCapture))},
		{pattern: "POST /v1/wallets/{customer}/holds/{hold}/release", handle: a.write(wallet(topics.WalletReleaseHold, decodeWalletStep))},
		{pattern: "POST /v1/wallets/{customer}/rounds/{round}/rollback", handle: a.write(wallet(topics.WalletRollbackRound, decodeWalletStep))},
		{pattern: "POST /v1/wallets/{customer}/close", handle: a.write(wallet(topics.WalletClose, decodeWalletClose))},
		{pattern: "POST /v1/payouts", handle: a.write(payout(topics.PayoutCreate, decodePayout))},
		{pattern: "GET /v1/payouts", handle: a.listPayouts},
		{pattern: "GET /v1/payouts/{id}", handle: a.getPayout},
		{pattern: "POST /v1/payouts/{id}/approve", handle: a.write(payout(topics.PayoutApprove, decodeApproval)), review: true},
		{pattern: "POST /v1/payouts/{id}/reject", handle: a.write(payout(topics.PayoutReject, decodePayoutEnd)), review: true},
		{pattern: "POST /v1/payouts/{id}/cancel", handle: a.write(payout(topics.PayoutCancel, decodePayoutEnd))},
		{pattern: "POST /v1/payment-links", handle: a.write(link(topics.LinkCreate, decodeLink))},
		{pattern: "GET /v1/payment-links", handle: a.listLinks},
		{pattern: "GET /v1/payment-links/{id}", handle: a.getLink},
		{pattern: "POST /v1/payment-links/{id}/cancel", handle: a.write(link(topics.LinkCancel, decodeLinkEnd))},
		{pattern: "GET /pay/{token}", handle: page(a.showLink), public: true},
		{pattern: "POST /pay/{token}", handle: page(a.pay), public: true},
		{pattern: "GET /pay/{token}/{attempt}", handle: page(a.showAttempt), public: true},
		{pattern: "GET /v1/mandates/{id}", handle: a.getMandate},
		{pattern: "POST /v1/mandates/{id}/revoke", handle: a.write(payment(topics.CommandRevokeMandate, decodeEnd))},
		{pattern: "GET /v1/customers/{customer}/mandates", handle: a.listMandates},
		{pattern: "GET /v1/disputes", handle: a.listDisputes},
		{pattern: "GET /v1/disputes/{id}", handle: a.getDispute},
		{pattern: "POST /v1/disputes/{id}/accept", handle: a.write(dispute(topics.DisputeAccept, decodeDisputeEnd))},
		{pattern: "POST /v1/disputes/{id}/evidence", handle: a.write(dispute(topics.DisputeSubmitEvidence, decodeEvidence))},
		{pattern: "GET /v1/disputes/{id}/evidence", handle: a.getEvidence},
		{pattern: "PUT /v1/customers/{customer}", handle: a.putCustomer},
		{pattern: "GET /v1/customers/{customer}", handle: a.getCustomer},
		{pattern: "DELETE /v1/customers/{customer}", handle: a.eraseCustomer, review: true},
		{pattern: "POST /v1/customers/{customer}/events", handle: a.write(readEvent)},
		{pattern: "GET /v1/customers/{customer}/events/{event}/decisions", handle: a.listEventDecisions},
		{pattern: "GET /v1/customers/{customer}/limits", handle: a.getLimits},
		{pattern: "POST /v1/customers/{customer}/limits", handle: a.write(wallet(topics.WalletSetLimit, decodeLimit))},
		{pattern: "GET /v1/ledger/accounts/{code}/balance", handle: a.getLedgerBalance},
		{pattern: "GET /v1/ledger/accounts/{code}/statement", handle: a.getStatement},
		{pattern: "GET /v1/ledger/accounts/{code}/explanation", handle: a.explainBalance},
		{pattern: "GET /v1/ledger/trial-balance", handle: a.getTrialBalance},
		{pattern: "GET /v1/ledger/entries/{id}", handle: a.getEntry},
		{pattern: "GET /v1/routes/switches", handle: a.listSwitches},
		{pattern: "PUT /v1/routes/switches/{psp}", handle: a.disablePSP, review: true},
		{pattern: "DELETE /v1/routes/switches/{psp}", handle: a.enablePSP, review: true},
		{pattern: "GET /v1/lists/{list}", handle: a.getList},
		{pattern: "PUT /v1/lists/{list}/entries/{value}", handle: a.putListEntry},
		{pattern: "DELETE /v1/lists/{list}/entries/{value}", handle: a.deleteListEntry},
		{pattern: "PUT /v1/lists/{list}/edits/{edit}", handle: a.approveListEdit, review: true},
		{pattern: "DELETE /v1/lists/{list}/edits/{edit}", handle: a.rejectListEdit},
		{pattern: "POST /webhooks/{psp}", handle: a.receiveWebhook, public: true},
		{pattern: "GET /healthz", handle: a.health, public: true},
		{pattern: "GET /readyz", handle: a.readiness, public: true},
		{pattern: "GET /metrics", handle: plain(promhttp.HandlerFor(registry, promhttp.HandlerOpts{})), public: true},
		{pattern: "GET /openapi.yaml", handle: a.document, public: true},
	}
}

func (a *API) routes(registry *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	for _, r := range a.table(registry) {
		mux.Handle(r.pattern, a.serve(r))
	}
	mux.Handle("/", a.serve(route{pattern: "other", handle: func(c *call) error { return unrouted(c, mux) }, public: true}))
	return mux
}

// unrouted answers what no pattern takes: 405 where other methods would do, 404 otherwise.
func unrouted(c *call, mux *http.ServeMux) error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := c.request.Clone(c.request.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) > 0 {
		c.writer.Header().Set("Allow", strings.Join(allowed, ", "))
		return &Problem{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Message: "use " + strings.Join(allowed, " or ")}
	}
	return &Problem{Status: http.StatusNotFound, Code: "not_found", Message: "there is no such path; see /openapi.yaml"}
}

func plain(h http.Handler) func(*call) error {
	return func(c *call) error {
		h.ServeHTTP(c.writer, c.request)
		return nil
	}
}

func (a *API) document(c *call) error {
	c.writer.Header().Set("Content-Type", "application/yaml")
	_, err := c.writer.Write(Document)
	return gone(err)
}
