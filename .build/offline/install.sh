#!/bin/sh
# Cài IOC trên máy không có Internet: ./install.sh [thư mục, mặc định /opt/ioc]
set -eu
cd "$(dirname "$0")"
target=${1:-/opt/ioc}
python=${PYTHON:-python3}

here=$("$python" -c 'import platform, sys; print(f"{sys.version_info.major}.{sys.version_info.minor} {platform.machine()}")' 2>/dev/null) ||
  { echo "Chưa có Python: cài gói python3, hoặc chạy PYTHON=/đường/dẫn/python3 ./install.sh" >&2; exit 1; }
[ "$here" = "$(cat PYTHON)" ] ||
  { echo "Gói này dành cho Python $(cat PYTHON); máy này là $here. Chạy lại 'make bundle' trên máy cùng loại." >&2; exit 1; }
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
  { echo "Thiếu mô-đun venv của Python: cài gói python3-venv từ đĩa cài đặt của hệ điều hành" >&2; exit 1; }
sha256sum --check --quiet SHA256SUMS ||
  { echo "Tệp bị hỏng khi sao chép (danh sách ở trên). Chép lại rồi chạy lại; chưa cài gì cả." >&2; exit 1; }

echo "• Cài vào $target"
"$python" -m venv "$target"
"$target/bin/python" -m pip install -q --disable-pip-version-check --no-index --find-links packages ioc
echo "Xong. Chạy thử: $target/bin/ioc up --demo    Kiểm tra kết nối thật: $target/bin/ioc check"
