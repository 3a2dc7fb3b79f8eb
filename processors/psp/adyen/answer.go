package adyen

import (
	"cmp"
	"fmt"
	"net/http"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/topics"
	"github.com/weirhq/weir/topics/declines"
)

// paymentAnswer is what POST /payments and /payments/details answer.
type paymentAnswer struct {
	PSPReference      string          `json:"pspReference"`
	MerchantReference string          `json:"merchantReference"`
	ResultCode        string          `json:"resultCode"`
	Amount            *amount         `json:"amount"`
	RefusalReason     string          `json:"refusalReason"`
	RefusalReasonCode string          `json:"refusalReasonCode"`
	Action            json.RawMessage `json:"action"`
	AdditionalData    struct {
		NetworkReference string `json:"networkTxReference"`
		ECI              string `json:"eci"`
		CAVV             string `json:"cavv"`
		DSTransaction    string `json:"dsTransID"`
		ThreeDSVersion   string `json:"threeDSVersion"`
		AVS              string `json:"avsResult"`
		CVC              string `json:"cvcResult"`
	} `json:"additionalData"`
}

// partly is the result code of an approval of less than was asked for.
const partly = "PartiallyAuthorised"

// outcomes are the result codes that are known. Every other leaves the outcome unknown.
var outcomes = map[string]topics.PSPOutcome{
	"Authorised": topics.PSPApproved, partly: topics.PSPApproved,
	"Refused": topics.PSPDeclined, "Cancelled": topics.PSPDeclined, "Error": topics.PSPDeclined,
	"RedirectShopper": topics.PSPRequiresAction, "IdentifyShopper": topics.PSPRequiresAction, "ChallengeShopper": topics.PSPRequiresAction,
	"Pending": topics.PSPPending, "Received": topics.PSPPending,
}

// payment maps the answer to an authorisation or a confirmation.
func payment(r *topics.PSPRequest, data []byte) (topics.PSPReport, error) {
	var answer paymentAnswer
	if err := json.Unmarshal(data, &answer); err != nil {
		return topics.PSPReport{}, fmt.Errorf("%w: the answer does not decode", psp.ErrUnknown)
	}
	outcome, ok := outcomes[answer.ResultCode]
	switch {
	case !ok:
		return topics.PSPReport{}, fmt.Errorf("%w: resultCode %.32q", psp.ErrUnknown, answer.ResultCode)
	case answer.MerchantReference != "" && answer.MerchantReference != r.PaymentID:
		return topics.PSPReport{}, fmt.Errorf("%w: the answer is of %.64q", psp.ErrUnknown, answer.MerchantReference)
	case outcome == topics.PSPApproved && !isReference(answer.PSPReference):
		return topics.PSPReport{}, fmt.Errorf("%w: pspReference %.32q", psp.ErrUnknown, answer.PSPReference)
	case outcome == topics.PSPApproved && answer.MerchantReference == "":
		return topics.PSPReport{}, fmt.Errorf("%w: %s, and merchantReference is missing", psp.ErrUnknown, answer.ResultCode)
	case answer.ResultCode == partly && answer.Amount == nil:
		return topics.PSPReport{}, fmt.Errorf("%w: %s, and amount is missing", psp.ErrUnknown, answer.ResultCode)
	}
	more := answer.AdditionalData
	report := topics.PSPReport{
		Operation: r.Operation, Outcome: outcome, PSPReference: answer.PSPReference, NetworkReference: more.NetworkReference,
		Amount: r.Amount, Currency: r.Currency, Detail: psp.SafeDetail(answer.RefusalReason),
	}
	if auth := (topics.AuthData{ECI: more.ECI, CAVV: more.CAVV, DSTransactionID: more.DSTransaction, AVS: more.AVS, CVV: more.CVC, ThreeDSVersion: more.ThreeDSVersion}); auth != (topics.AuthData{}) {
		report.Authentication = &auth
	}
	if answer.Amount != nil {
		in, err := units.In(answer.Amount.Value, answer.Amount.Currency)
		if err != nil {
			return topics.PSPReport{}, fmt.Errorf("%w: %w", psp.ErrUnknown, err)
		}
		report.Amount, report.Currency = in, answer.Amount.Currency
	}
	switch outcome {
	case topics.PSPDeclined:
		report.DeclineCode = cmp.Or(answer.RefusalReasonCode, answer.ResultCode)
		declines.Classify(&report, declines.Adyen)
	case topics.PSPRequiresAction:
		var err error
		if report.Action, err = action(answer.Action); err != nil {
			return topics.PSPReport{}, err
		}
	}
	return report, nil
}

// action is a page to go to, or the object that Adyen's component takes.
func action(data json.RawMessage) (*topics.Action, error) {
	var a struct {
		Type   string `json:"type"`
		Method string `json:"method"`
		URL    string `json:"url"`
	}
	if err := json.Unmarshal(data, &a); err != nil || a.Type == "" {
		return nil, fmt.Errorf("%w: the action does not decode", psp.ErrUnknown)
	}
	if a.Type == "redirect" && a.Method == http.MethodGet && a.URL != "" {
		return &topics.Action{Type: "redirect", URL: a.URL}, nil
	}
	return &topics.Action{Type: "client_token", Token: string(data)}, nil
}

// received maps the answer to a modification: it is accepted, and its result comes by notification.
func received(r *topics.PSPRequest, data []byte) (topics.PSPReport, error) {
	var answer struct {
		PaymentReference string `json:"paymentPspReference"`
		Reference        string `json:"reference"`
		Status           string `json:"status"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return topics.PSPReport{}, fmt.Errorf("%w: the answer does not decode", psp.ErrUnknown)
	}
	if answer.Status != "received" || answer.PaymentReference != r.PSPReference || answer.Reference != modificationReference(r) {
		return topics.PSPReport{}, fmt.Errorf("%w: the answer is %.32q for %.96q", psp.ErrUnknown, answer.Status, answer.Reference)
	}
	return topics.PSPReport{Operation: r.Operation, Outcome: topics.PSPPending, Amount: r.Amount, Currency: r.Currency, PSPReference: r.PSPReference}, nil
}

// refused reads every answer that is not a success. A service exception says of what kind it is.
func refused(r *topics.PSPRequest, status int, data []byte) (topics.PSPReport, error) {
	var said struct {
		Code    string `json:"errorCode"`
		Type    string `json:"errorType"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(data, &said); err != nil || said.Type == "" {
		return topics.PSPReport{}, fmt.Errorf("%w: answered %d without an error of Adyen's", psp.ErrUnknown, status)
	}
	detail := psp.SafeDetail(said.Code + ": " + said.Message)
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusTooManyRequests:
		return topics.PSPReport{}, fmt.Errorf("%w: answered %d: %s", psp.ErrNotSent, status, detail)
	case said.Code == inProgress:
		return topics.PSPReport{}, fmt.Errorf("%w: answered %d: %s", psp.ErrUnknown, status, detail)
	case (status == http.StatusBadRequest || status == http.StatusNotFound || status == http.StatusUnprocessableEntity) &&
		(said.Type == "validation" || said.Type == "configuration"):
		return topics.PSPReport{Operation: r.Operation, Outcome: topics.PSPFailed, PSPReference: r.PSPReference, Detail: detail}, nil
	}
	return topics.PSPReport{}, fmt.Errorf("%w: answered %d: %s", psp.ErrUnknown, status, detail)
}

// inProgress is the error code of a repeat whose first request is still being performed, or was.
const inProgress = "704"
