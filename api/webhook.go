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
// The body is the PSP's: it is not searched for card numbers, which the long decimal ids of PSPs may look like.
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
	if err == nil && len(delivery) > topics.MaxHeaderBytes {
		err = webhook.ErrUnsigned
	}
	if err != nil {
		a.metrics.webhooks.WithLabelValues(psp, "refused").Inc()
		return problemOfWebhook(err)
	}
	envelope := topics.WebhookEnvelope(psp, delivery, c.traceID, received)
	envelope.ContentType = mediaType(c.request.Header.Get("Content-Type"))
	headers := append(recordHeaders(envelope.Headers()), kgo.RecordHeader{Key: topics.HeaderVerified, Value: []byte("true")})
	err = a.produce(context.WithoutCancel(c.request.Context()), &kgo.Record{Topic: topics.PSPWebhooks, Key: []byte(delivery), Value: body, Headers: headers})
	if err != nil {
		a.metrics.webhooks.WithLabelValues(psp, "unavailable").Inc()
		return err
	}
	a.metrics.webhooks.WithLabelValues(psp, "accepted").Inc()
	return c.reply(http.StatusOK, Received{DeliveryID: delivery})
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
