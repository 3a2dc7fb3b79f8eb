package sandbox

import (
	"html/template"
	"net/http"
	"net/url"
)

// challengePage is where a customer is sent to authenticate: it leads back to the merchant with a result, which the
// merchant passes on by a confirm. It decides nothing itself.
func (s *Server) challengePage(w http.ResponseWriter, r *http.Request) {
	s.book.mu.Lock()
	e := s.book.payments[r.PathValue("id")]
	s.book.mu.Unlock()
	if e == nil {
		http.NotFound(w, r)
		return
	}
	type link struct{ Result, URL string }
	page := struct {
		Authorization string
		Links         []link
	}{Authorization: e.payment.ID}
	if back, err := url.Parse(e.payment.ReturnURL); err == nil && (back.Scheme == "http" || back.Scheme == "https") {
		for _, result := range []string{"authenticated", "attempted", "failed", "abandoned"} {
			query := back.Query()
			query.Set("challenge_result", result)
			to := *back
			to.RawQuery = query.Encode()
			page.Links = append(page.Links, link{result, to.String()})
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	if err := challengeHTML().Execute(w, page); err != nil {
		s.cfg.Log.Debug("sandbox: challenge page", "error", err)
	}
}

func challengeHTML() *template.Template {
	return template.Must(template.New("challenge").Parse(`<!doctype html><title>3-D Secure challenge</title>
<h1>3-D Secure challenge</h1><p>Authorization {{.Authorization}}</p>
{{range .Links}}<p><a href="{{.URL}}">{{.Result}}</a></p>{{else}}<p>The merchant gave no return_url. Confirm with a result through the API.</p>{{end}}
`))
}
