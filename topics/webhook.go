package topics

import (
	"errors"
	"time"

	"github.com/gofrs/uuid/v5"
)

// TypePSPWebhook is the ce_type of psp.webhooks.v1. Its value is the raw body, byte for byte as it was signed (card
// numbers masked), and its key the delivery's id.
const TypePSPWebhook = "weir.psp.webhook.v1"

// HeaderVerified is "true" in a record of psp.webhooks.v1 whose signature was verified before it was written. The
// normaliser refuses a record without it.
const HeaderVerified = "verified"

// ErrUnknownEvent means that a webhook tells something that its PSP's adapter does not know.
var ErrUnknownEvent = errors.New("unknown kind of event")

// WebhookEnvelope is the envelope of a raw webhook: the PSP's name is its subject, the PSP's id of the delivery its id,
// and the time that of its reception.
func WebhookEnvelope(psp, deliveryID, traceID string, received time.Time) Envelope {
	return Envelope{
		ID: deliveryID, Source: "weir/api", Type: TypePSPWebhook, Subject: psp, Time: received, TraceID: traceID,
	}
}

// WebhookReportID is the report id of a PSP's event: the same for each delivery of it, different for each PSP.
func WebhookReportID(psp, eventID string) string {
	return uuid.NewV5(uuid.NamespaceURL, "psp:"+psp+"/event/"+eventID).String()
}

// AnswerReportID is the report id of an answer or a poll: it names the record of psp.requests.v1 (by its ce_id) and
// the outcome, so that a record performed twice with the same answer gives the same id and each poll one of its own.
func AnswerReportID(psp, recordID string, source ReportSource, outcome PSPOutcome) string {
	return uuid.NewV5(uuid.NamespaceURL, "psp:"+psp+"/"+string(source)+"/"+recordID+"/"+string(outcome)).String()
}
