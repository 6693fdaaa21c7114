// gin with its recovery middleware, on one core; with DUTIES=1 also with what hardy does for each call
// unasked: an id, a deadline, a line of JSON in the access log.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
)

func identify(c *gin.Context) {
	id := c.GetHeader("X-Request-ID")
	if id == "" {
		var random [16]byte
		if _, err := rand.Read(random[:]); err != nil {
			panic(err)
		}
		id = hex.EncodeToString(random[:])
	}
	c.Set("id", id)
	c.Header("X-Request-ID", id)
	c.Next()
}

func bound(c *gin.Context) {
	ctx, cancel := context.WithTimeout(c.Request.Context(), 30*time.Second)
	defer cancel()
	c.Request = c.Request.WithContext(ctx)
	c.Next()
}

func line(p gin.LogFormatterParams) string {
	return fmt.Sprintf("{\"time\":%q,\"level\":\"info\",\"event\":\"call\",\"method\":%q,\"path\":%q,\"status\":%d,\"ms\":%g,\"call\":%q,\"peer\":%q}\n",
		p.TimeStamp.UTC().Format(time.RFC3339Nano), p.Method, p.Path, p.StatusCode,
		float64(p.Latency.Microseconds())/1000, p.Keys["id"], p.Request.RemoteAddr)
}

type newItem struct {
	Sku      string  `json:"sku" binding:"required,min=3,max=32"`
	Name     string  `json:"name" binding:"required,min=1,max=100"`
	Price    float64 `json:"price" binding:"gt=0,lte=1000000"`
	Quantity int     `json:"quantity" binding:"gte=0,lte=100000"`
	InStock  bool    `json:"in_stock"`
	Category string  `json:"category" binding:"required,min=1,max=50"`
}

type item struct {
	ID int `json:"id"`
	newItem
}

func main() {
	some := newItem{"ABC-12345", "Adjustable widget", 9.99, 42, true, "tools"}
	small, large := make([]item, 9), make([]item, 870)
	for i := range large {
		large[i] = item{i, some}
	}
	copy(small, large)
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	if os.Getenv("DUTIES") != "" {
		router.Use(identify, gin.LoggerWithFormatter(line), bound)
	}
	router.Use(gin.Recovery())
	router.GET("/plaintext", func(c *gin.Context) { c.String(http.StatusOK, "Hello, World!") })
	router.GET("/items/:id", func(c *gin.Context) {
		id, err := strconv.Atoi(c.Param("id"))
		if err != nil {
			c.JSON(http.StatusUnprocessableEntity, gin.H{"detail": err.Error()})
			return
		}
		c.JSON(http.StatusOK, item{id, newItem{"ABC-12345", "Adjustable widget", 9.99, 42, true, "tools"}})
	})
	router.POST("/items", func(c *gin.Context) {
		var given newItem
		if err := c.ShouldBindJSON(&given); err != nil {
			c.JSON(http.StatusUnprocessableEntity, gin.H{"detail": err.Error()})
			return
		}
		c.JSON(http.StatusCreated, item{1, given})
	})
	router.GET("/small", func(c *gin.Context) { c.JSON(http.StatusOK, small) })
	router.GET("/large", func(c *gin.Context) { c.JSON(http.StatusOK, large) })
	router.GET("/events", func(c *gin.Context) {
		left := 500
		c.Stream(func(w io.Writer) bool {
			c.SSEvent("", small[0])
			left--
			return left > 0
		})
	})
	if err := router.Run("127.0.0.1:" + os.Args[1]); err != nil {
		panic(err)
	}
}
