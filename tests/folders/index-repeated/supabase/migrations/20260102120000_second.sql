create index products_brand_slug on products (brand, slug);
