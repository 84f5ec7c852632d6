#include "agent/local_cluster/server/database.h"

#include <sqlite3.h>

namespace ray_gitops::local_cluster {
namespace {

constexpr int k_schema_version = 1;
constexpr const char* k_schema =
    "CREATE TABLE objects(plural TEXT NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL,"
    "  json TEXT NOT NULL, PRIMARY KEY(plural, ns, name)) WITHOUT ROWID;"
    "CREATE TABLE state(id INTEGER PRIMARY KEY CHECK(id = 1), revision INTEGER NOT NULL);"
    "INSERT INTO state VALUES(1, 0);"
    "PRAGMA user_version=1;";

tl::unexpected<Error> failed(sqlite3* handle, const std::string& what) {
  return fail(ErrorCode::Unavailable, what + ": " + sqlite3_errmsg(handle),
              "local cluster database");
}

Result<void> execute(sqlite3* handle, const char* statements) {
  if (sqlite3_exec(handle, statements, nullptr, nullptr, nullptr) != SQLITE_OK)
    return failed(handle, "the database does not work");
  return {};
}

// A prepared statement: bound from 1, stepped, then used again.
class Statement {
 public:
  static Result<Statement> prepare(sqlite3* handle, const char* text) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(handle, text, -1, &statement, nullptr) != SQLITE_OK)
      return failed(handle, "the database does not have our tables");
    return Statement(statement);
  }

  void bind(int at, const std::string& text) {
    sqlite3_bind_text64(statement_.get(), at, text.data(), text.size(), SQLITE_TRANSIENT,
                        SQLITE_UTF8);
  }
  void bind(int at, std::int64_t number) { sqlite3_bind_int64(statement_.get(), at, number); }
  // SQLITE_ROW, SQLITE_DONE or an error.
  int step() { return sqlite3_step(statement_.get()); }
  void reset() { sqlite3_reset(statement_.get()); }

  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }
  std::string text(int column) const {
    const void* bytes = sqlite3_column_blob(statement_.get(), column);
    const int size = sqlite3_column_bytes(statement_.get(), column);
    return bytes == nullptr
               ? std::string{}
               : std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

Result<std::int64_t> read_integer(sqlite3* handle, const char* query) {
  Statement statement = TRY(Statement::prepare(handle, query));
  if (statement.step() != SQLITE_ROW) return failed(handle, "the database cannot be read");
  return statement.integer(0);
}

Result<void> prepare_schema(sqlite3* handle) {
  const std::int64_t version = TRY(read_integer(handle, "PRAGMA user_version"));
  if (version == k_schema_version) return {};
  if (version != 0)
    return fail(
        ErrorCode::InvalidInput,
        "the database was written by another version (schema " + std::to_string(version) + ")",
        "local cluster database");
  TRY(execute(handle, "BEGIN IMMEDIATE"));
  TRY(execute(handle, k_schema));
  return execute(handle, "COMMIT");
}

Result<void> write_objects(sqlite3* handle, const Unsaved& unsaved) {
  Statement put =
      TRY(Statement::prepare(handle, "INSERT OR REPLACE INTO objects VALUES(?1, ?2, ?3, ?4)"));
  Statement erase = TRY(Statement::prepare(
      handle, "DELETE FROM objects WHERE plural = ?1 AND ns = ?2 AND name = ?3"));
  for (const auto& [key, object] : unsaved.objects) {
    Statement& statement = object ? put : erase;
    statement.bind(1, key.plural);
    statement.bind(2, key.ns);
    statement.bind(3, key.name);
    if (object) statement.bind(4, object->canonical());
    if (statement.step() != SQLITE_DONE) return failed(handle, "an object cannot be saved");
    statement.reset();
  }
  Statement state = TRY(Statement::prepare(handle, "UPDATE state SET revision = ?1"));
  state.bind(1, unsaved.revision);
  if (state.step() != SQLITE_DONE) return failed(handle, "the revision cannot be saved");
  return {};
}

}  // namespace

void Database::Closer::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

Result<Database> Database::open(const std::string& path) {
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  const int opened = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  Database database{std::unique_ptr<sqlite3, Closer>(raw)};
  if (opened != SQLITE_OK) return failed(raw, "the database cannot be opened");
  // Exclusive: two servers over one state would each undo what the other one did.
  TRY(execute(
      raw, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"));
  TRY(execute(raw, "BEGIN EXCLUSIVE; COMMIT;"));
  TRY(prepare_schema(raw));
  return database;
}

Result<SavedObjects> Database::load() const {
  SavedObjects saved;
  saved.revision = TRY(read_integer(handle_.get(), "SELECT revision FROM state"));
  Statement statement =
      TRY(Statement::prepare(handle_.get(), "SELECT json FROM objects ORDER BY plural, ns, name"));
  int step = statement.step();
  for (; step == SQLITE_ROW; step = statement.step())
    saved.objects.push_back(TRY(Document::parse(statement.text(0))));
  if (step != SQLITE_DONE) return failed(handle_.get(), "the objects cannot be read");
  return saved;
}

Result<void> Database::save(const Unsaved& unsaved) {
  TRY(execute(handle_.get(), "BEGIN IMMEDIATE"));
  const Result<void> written = write_objects(handle_.get(), unsaved);
  const Result<void> committed = written ? execute(handle_.get(), "COMMIT") : written;
  if (!committed && sqlite3_get_autocommit(handle_.get()) == 0)
    static_cast<void>(execute(handle_.get(), "ROLLBACK"));
  return committed;
}

}  // namespace ray_gitops::local_cluster
