package api

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/weirhq/weir/processors/payments/view"
)

const (
	defaultPage = 20
	maxPage     = 100
	maxCustomer = 64
)

// one reads what an id names, for its tenant.
func one[V any](c *call, id, what string, get func(ctx context.Context, db view.Querier, tenant, id string) (*V, error)) (*V, error) {
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	found, err := get(ctx, c.api.db.Pool, c.key.Tenant, id)
	if errors.Is(err, view.ErrNotFound) {
		return nil, notFound(what + " with this id")
	}
	if err == nil {
		c.paymentID = id
	}
	return found, err
}

// listQuery is what every list can be asked for.
type listQuery struct {
	url.Values
	customer string
	limit    int
}

// listQuery reads the query of a list that takes these parameters besides customer_id, status, limit and cursor.
func (c *call) listQuery(others ...string) (q listQuery, err error) {
	q = listQuery{Values: c.request.URL.Query(), limit: defaultPage}
	known := slices.Concat([]string{"customer_id", "status"}, others, []string{"limit"})
	for name := range q.Values {
		if name != "cursor" && !slices.Contains(known, name) {
			return q, malformed("", "the query has a parameter that is not known; want "+strings.Join(known, ", ")+" or cursor")
		}
	}
	if text := q.Get("limit"); text != "" {
		if q.limit, err = strconv.Atoi(text); err != nil || q.limit < 1 || q.limit > maxPage {
			return q, invalid("limit", "limit: want an integer from 1 to "+strconv.Itoa(maxPage))
		}
	}
	q.customer = q.Get("customer_id")
	if len(q.customer) > maxCustomer || !printable(q.customer) {
		return q, invalid("customer_id", "customer_id: want at most "+strconv.Itoa(maxCustomer)+" printable ASCII characters")
	}
	return q, nil
}

// ofCustomer is whose things a list of one customer's shows; things are what it lists.
func (q *listQuery) ofCustomer(c *call, things string) (view.Owner, error) {
	if q.customer == "" {
		return view.Owner{}, invalid("customer_id", "customer_id: is missing; "+things+" are listed for one customer")
	}
	return c.api.ownerOf(c, q.customer)
}

// statusOf is the status that a list is narrowed to, "" where it is not; want says which there are.
func statusOf[S ~string](q *listQuery, all []S, of, want string) (S, error) {
	status := S(q.Get("status"))
	if status != "" && !slices.Contains(all, status) {
		return "", invalid("status", "status: is not the status of "+of+"; "+want)
	}
	return status, nil
}

// inDocument says where statuses are listed that are too many to be told.
const inDocument = "the document at /openapi.yaml lists them"

// pageOf reads one page of a list, each of its elements as the document shows it.
func pageOf[V, S any](c *call, q *listQuery, shown func(*V) S,
	list func(ctx context.Context, db view.Querier, cursor string, limit int) ([]*V, string, error)) (data []S, next string, err error) {
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	found, next, err := list(ctx, c.api.db.Pool, q.Get("cursor"), q.limit)
	if errors.Is(err, view.ErrCursor) {
		return nil, "", malformed("cursor", "cursor: is not one that a page of this list returned")
	}
	if err != nil {
		return nil, "", err
	}
	data = make([]S, len(found))
	for i, v := range found {
		data[i] = shown(v)
	}
	return data, next, nil
}
