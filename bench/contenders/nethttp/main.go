// Go's own net/http, on one core.
package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
)

type newItem struct {
	Sku      string  `json:"sku"`
	Name     string  `json:"name"`
	Price    float64 `json:"price"`
	Quantity int     `json:"quantity"`
	InStock  bool    `json:"in_stock"`
	Category string  `json:"category"`
}

type item struct {
	ID int `json:"id"`
	newItem
}

func between(low, value, high int) bool { return low <= value && value <= high }

func (i *newItem) check() error {
	if !between(3, len(i.Sku), 32) || !between(1, len(i.Name), 100) || !between(1, len(i.Category), 50) ||
		i.Price <= 0 || i.Price > 1000000 || !between(0, i.Quantity, 100000) {
		return errors.New("the item is invalid")
	}
	return nil
}

func answer(w http.ResponseWriter, status int, value interface{}) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value)
}

func main() {
	some := newItem{"ABC-12345", "Adjustable widget", 9.99, 42, true, "tools"}
	small, large := make([]item, 9), make([]item, 870)
	for i := range large {
		large[i] = item{i, some}
	}
	copy(small, large)
	mux := http.NewServeMux()
	mux.HandleFunc("/plaintext", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Write([]byte("Hello, World!"))
	})
	mux.HandleFunc("/items/", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/items/"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		answer(w, http.StatusOK, item{id, some})
	})
	mux.HandleFunc("/items", func(w http.ResponseWriter, r *http.Request) {
		var given newItem
		if err := json.NewDecoder(r.Body).Decode(&given); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		} else if err := given.check(); err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		} else {
			answer(w, http.StatusCreated, item{1, given})
		}
	})
	mux.HandleFunc("/small", func(w http.ResponseWriter, r *http.Request) { answer(w, http.StatusOK, small) })
	mux.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) { answer(w, http.StatusOK, large) })
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := 0; i < 500; i++ {
			data, _ := json.Marshal(small[0])
			w.Write([]byte("data: " + string(data) + "\n\n"))
			w.(http.Flusher).Flush()
		}
	})
	if err := http.ListenAndServe("127.0.0.1:"+os.Args[1], mux); err != nil {
		panic(err)
	}
}
