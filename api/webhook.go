package api

import (
	"context"
	"errors"
	"mime"
	"net/http"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/processors/psp/webhook"
	"github.com/weirhq/weir/topics"
)

const webhookPattern = "POST /webhooks/{psp}"

// receiveWebhook verifies a PSP's delivery, makes its raw body durable and only then answers 200. A crash or an error
// before that leaves the PSP without a 2xx: it delivers again, and the repeat is harmless because an event counts once.
// A card number in it is masked before it is stored. That may hit a decimal id which looks like one; the normaliser puts
// aside what it cannot identify any more, and polling learns what became of our own requests.
func (a *API) receiveWebhook(c *call) error {
	psp := c.request.PathValue("psp")
	if _, ok := a.webhooks[psp]; !ok {
		return notFound("PSP of this name")
	}
	body, err := c.readBody()
	if err != nil {
		return err
	}
	received := a.now().UTC()
	delivery, err := a.webhooks.Verify(psp, c.request.Header, body, received)
	if err != nil {
		a.metrics.webhooks.WithLabelValues(psp, "refused").Inc()
		problem := problemOfWebhook(err)
		a.log.Warn("a webhook is refused", "psp", psp, "code", problem.Code, "reason", problem.Message, "trace_id", c.traceID)
		return problem
	}
	body, maskedBody := topics.MaskCardNumbers(body)
	id, maskedID := topics.MaskCardNumbers([]byte(delivery.ID))
	if delivery.ID = string(id); maskedBody || maskedID {
		a.log.Warn("a webhook holds a card number, which is masked", "psp", psp, "delivery_id", delivery.ID, "trace_id", c.traceID)
	}
	envelope := topics.WebhookEnvelope(psp, delivery.ID, c.traceID, received)
	envelope.ContentType = mediaType(c.request.Header.Get("Content-Type"))
	headers := append(recordHeaders(envelope.Headers()), kgo.RecordHeader{Key: topics.HeaderVerified, Value: []byte("true")})
	err = a.produce(context.WithoutCancel(c.request.Context()), &kgo.Record{Topic: topics.PSPWebhooks, Key: []byte(delivery.ID), Value: body, Headers: headers})
	if err != nil {
		a.metrics.webhooks.WithLabelValues(psp, "unavailable").Inc()
		return err
	}
	a.metrics.webhooks.WithLabelValues(psp, "accepted").Inc()
	if delivery.Accepted != "" {
		return c.sendAs("text/plain", http.StatusOK, []byte(delivery.Accepted))
	}
	return c.reply(http.StatusOK, Received{DeliveryID: delivery.ID})
}

func problemOfWebhook(err error) *Problem {
	p := &Problem{Status: http.StatusUnauthorized, Code: "bad_signature", Cause: err}
	switch {
	case errors.Is(err, webhook.ErrTooLarge):
		return problemTooLarge(webhook.MaxBody)
	case errors.Is(err, webhook.ErrStale):
		p.Code, p.Message = "stale", "the signed time lies outside the window of "+webhook.Tolerance.String()
	case errors.Is(err, webhook.ErrUnsigned):
		p.Message = "the webhook is not signed as this PSP signs"
	default:
		p.Message = "the signature does not match"
	}
	return p
}

// mediaType is a content type without its parameters; what cannot be one counts as unknown bytes.
func mediaType(contentType string) string {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || len(media) > topics.MaxHeaderBytes {
		return "application/octet-stream"
	}
	return media
}
